/** Where the page begins: styles of the charts, then the app that the address names, or an empty room for a recording. */
import { chartStyle } from '../../src/charts/svg.js';
import { InspectorPage } from './app.js';

const charts = new CSSStyleSheet();
charts.replaceSync(chartStyle());
document.adoptedStyleSheets = [...document.adoptedStyleSheets, charts];

const root = document.getElementById('inspector');
if (root !== null) {
  const page = new InspectorPage(root);
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (token !== null && location.protocol.startsWith('http')) page.connect(location.origin, token);
}
