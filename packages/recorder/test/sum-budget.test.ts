import test from 'ava';
import { SumBudget } from '../src/preempt/sum-budget.js';

const MiB = 0x100000;

test('a twentieth of the time is spent, whatever the first use cost', (t) => {
  let now = 1e12;
  const budget = new SumBudget(() => now);
  t.true(budget.allows(MiB));
  // What runs for the first time.
  budget.spend(MiB, 5e6);
  let spentNs = 0;
  const ROUNDS = 1000;
  for (let i = 0; i < ROUNDS; i++) {
    now += 1e6;
    if (!budget.allows(MiB)) continue;
    spentNs += 2e5;
    budget.spend(MiB, 2e5);
  }
  const share = spentNs / (ROUNDS * 1e6);
  t.true(share > 0.04 && share < 0.055, `${share}`);
});

test('what is saved up is bounded, and so is what is owed', (t) => {
  let now = 0;
  const budget = new SumBudget(() => now);
  now += 3600e9;
  t.true(budget.allows(MiB));
  // 4 ms at 0.2 ns a byte.
  t.false(budget.allows(64 * MiB));
  budget.spend(MiB, 1e9);
  t.false(budget.allows(MiB));
  t.true(budget.allows(MiB / 4));
  now += 200e6;
  t.true(budget.allows(MiB));
});
