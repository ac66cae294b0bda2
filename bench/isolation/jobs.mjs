/** What the jobs of the bench do. */
export const double = (input) => input * 2;
export const primes = (below) => {
  let count = 0;
  for (let number = 2; number < below; number++) {
    let isPrime = true;
    for (let by = 2; by * by <= number && isPrime; by++) isPrime = number % by !== 0;
    if (isPrime) count++;
  }
  return count;
};
