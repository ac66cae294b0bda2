/** What has to end with each test: whoever starts something puts its end here. */
import { afterEach } from 'vitest';

/** Done after each test, the last first. */
export const ends: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});
