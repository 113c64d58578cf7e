// Visitors of the shop and the values of the flags of examples/web/flags.json for them, written by
// hand.

const AGAIN = 'Good to see you </script><b>again</b>';
const FEW = { results: 20, suggestions: false };
const MANY = { results: 100, suggestions: true };

const visitor = (headers, theme, greeting, search, checkout, discount) => ({
  headers,
  flags: { theme, greeting, search, 'new-checkout': checkout, 'discount-percent': discount },
});

export const ADA = visitor({ 'x-user': 'ada', 'x-plan': 'team' }, 'contrast', AGAIN, MANY, true, 10);
export const BOB = visitor({ 'x-user': 'bob' }, 'dark', AGAIN, FEW, false, 0);
export const ANONYMOUS = visitor({}, 'light', 'Welcome!', FEW, false, 0);

const PLANS = [['free', false, 0], ['team', true, 10], ['enterprise', true, 25]];
const COUNTRIES = [['NZ', 'contrast', MANY], ['FR', 'light', FEW]];

/** The visitor of the n-th request. */
export function nth(n) {
  if (n % 8 === 0) return ADA;
  if (n % 8 === 1) return BOB;
  if (n % 8 === 2) return ANONYMOUS;
  const user = n % 500;
  const [plan, checkout, discount] = PLANS[user % 3];
  const [country, theme, search] = COUNTRIES[user % 2];
  return visitor({ 'x-user': `user-${user}`, 'x-plan': plan, 'x-country': country }, theme, AGAIN, search, checkout, discount);
}
