// The flags that the tests serve: a small shop, and generated flags around it.

const client = { usingEnvironmentId: true, usingMobileKey: true };

const SHOP = [
  {
    key: 'new-checkout', version: 7, on: true, variations: [true, false], offVariation: 1, fallthrough: { variation: 1 },
    targets: [{ variation: 0, values: ['bob'] }],
    rules: [{ id: 'staff-by-mail', variation: 0, clauses: [{ contextKind: 'user', attribute: 'email', op: 'endsWith', values: ['@staff.com'] }] }],
    salt: 's1', clientSideAvailability: client,
  },
  {
    key: 'checkout-express', version: 4, on: true, variations: [true, false], offVariation: 1,
    prerequisites: [{ key: 'new-checkout', variation: 0 }], fallthrough: { variation: 0 }, salt: 's2', clientSideAvailability: client,
  },
  {
    key: 'theme', version: 8, on: true, variations: ['light', 'dark', 'contrast'], offVariation: 0,
    fallthrough: { rollout: { contextKind: 'user', variations: [{ variation: 0, weight: 50000 }, { variation: 1, weight: 40000 }, { variation: 2, weight: 10000 }] } },
    rules: [{ id: 'staff-sees-all', variation: 2, clauses: [{ op: 'segmentMatch', attribute: '', values: ['staff'] }] }],
    salt: 's3', clientSideAvailability: client,
  },
  {
    key: 'legacy-search', version: 3, on: false, variations: ['old', 'new'], fallthrough: { variation: 0 }, salt: 's4',
    clientSideAvailability: { usingEnvironmentId: false, usingMobileKey: false },
  },
  {
    key: 'items-per-page', version: 2, on: true, variations: [20, 50, 100], offVariation: 0, fallthrough: { variation: 0 },
    rules: [{ id: 'gold', variation: 2, clauses: [{ contextKind: 'user', attribute: 'plan', op: 'in', values: ['gold'] }] }],
    salt: 's5', clientSideAvailability: { usingEnvironmentId: true, usingMobileKey: false },
  },
];

const STAFF = {
  key: 'staff', version: 30, included: ['eve'],
  rules: [{ clauses: [{ contextKind: 'user', attribute: 'email', op: 'endsWith', values: ['@staff.com'] }] }], salt: 's6',
};

const AREAS = ['account', 'billing', 'cart', 'catalogue', 'delivery', 'home', 'invoice', 'login', 'mail', 'profile', 'reviews', 'stock'];
const SUBJECTS = ['banner', 'cache', 'export', 'filters', 'layout', 'limits', 'preview', 'retries', 'shortcuts', 'sorting', 'tips'];

/** A flag that varies with its number. */
function generated(key, index) {
  const mixed = (index * 2_654_435_761) % 4_294_967_296;
  const pick = (count, place) => Math.floor(mixed / 2 ** place) % count;
  const gold = { id: 'gold', variation: 1, clauses: [{ contextKind: 'user', attribute: 'plan', op: 'in', values: ['gold'] }] };
  const isRollout = pick(3, 7) === 0;
  return {
    key,
    version: 1 + pick(9, 3),
    on: pick(5, 11) !== 0,
    variations: pick(3, 15) === 0 ? ['control', 'variant'] : pick(2, 9) === 0 ? [true, false] : [false, true],
    offVariation: 1,
    fallthrough: isRollout ? { rollout: { contextKind: 'user', variations: [{ variation: 0, weight: 60_000 }, { variation: 1, weight: 40_000 }] } } : { variation: 0 },
    rules: pick(4, 13) === 0 ? [gold] : [],
    salt: `g${index}`,
    clientSideAvailability: { usingEnvironmentId: pick(2, 17) === 0, usingMobileKey: pick(3, 19) === 0 },
  };
}

/** The keys of the flags that are not generated. */
export const SHOP_KEYS = SHOP.map(({ key }) => key);

/** Returns the data of `count` flags. */
export function flagData(count) {
  const flags = Object.fromEntries(SHOP.map((flag) => [flag.key, flag]));
  for (let index = 0; index < count - SHOP.length; index += 1) {
    const area = AREAS[index % AREAS.length];
    const subject = SUBJECTS[Math.floor(index / AREAS.length) % SUBJECTS.length];
    const round = Math.floor(index / AREAS.length / SUBJECTS.length);
    const key = round === 0 ? `${area}-${subject}` : `${area}-${subject}-${round + 1}`;
    flags[key] = generated(key, index);
  }
  return { flags, segments: { staff: STAFF } };
}
