import test from 'ava';

test('the package loads by its name', async (t) => {
  const tracelog = await import('@scribe-ts/tracelog');
  t.is(typeof tracelog, 'object');
});
