/** What makes a flame graph's SVG readable in light and dark, and lets a browser zoom and search in it. */

const HUES = [8, 18, 28, 38, 48, 58, 350, 340, 14, 24, 34, 44];

export const STYLE = `
text { font: 12px ui-monospace, Menlo, Consolas, monospace; fill: #1b1b1b; pointer-events: none; }
.title { font-size: 15px; font-weight: bold; }
.help { fill: #6b6b6b; }
.found, .here { text-anchor: end; }
.page { fill: #fdfcfa; }
.flames g { cursor: pointer; outline: none; }
.flames g:hover rect, .flames g:focus rect { stroke: #1b1b1b; stroke-width: 1; }
.flames g.hit rect { fill: #b48ae0; }
.flames g.above rect { opacity: .55; }
${HUES.map((hue, i) => `.h${i} { fill: hsl(${hue} 78% 66%); }`).join('\n')}
@media (prefers-color-scheme: dark) {
  .page { fill: #17181b; }
  .title, .help, .found, .here { fill: #d8d8d8; }
}
`;

/** `data-x` and `data-w` of a frame: where it begins and how wide it is, as parts of the whole. */
export const SCRIPT = `
(() => {
  const svg = document.documentElement;
  const width = svg.viewBox.baseVal.width;
  const frames = [...svg.querySelectorAll('.flames g')].map((g) => ({
    g, rect: g.querySelector('rect'), text: g.querySelector('text'),
    x: Number(g.dataset.x), w: Number(g.dataset.w), name: g.querySelector('title').textContent.replace(/: [^:]*$/, ''),
    row: Number(g.querySelector('rect').getAttribute('y')),
  }));
  const whole = frames[0];
  const here = svg.querySelector('.here');
  const found = svg.querySelector('.found');
  const zoom = (to) => {
    for (const frame of frames) {
      const above = frame.row > to.row;
      const inside = frame.x < to.x + to.w - 1e-9 && frame.x + frame.w > to.x + 1e-9;
      const x = above ? 0 : ((frame.x - to.x) / to.w) * width;
      const w = above ? width : (frame.w / to.w) * width;
      const shown = inside && w > 0.3;
      frame.g.style.display = shown ? '' : 'none';
      frame.g.classList.toggle('above', above && shown);
      if (!shown) continue;
      frame.rect.setAttribute('x', x.toFixed(2));
      frame.rect.setAttribute('width', w.toFixed(2));
      frame.text.setAttribute('x', (x + 3).toFixed(2));
      const room = Math.floor((w - 6) / 7.3);
      frame.text.textContent =
        frame.name.length <= room ? frame.name : room < 3 ? '' : frame.name.slice(0, room - 1) + '\\u2026';
    }
  };
  const search = (text) => {
    let part = 0;
    let end = -1;
    const hits = frames.filter(({ g, name }) => {
      const hit = text !== '' && name.includes(text);
      g.classList.toggle('hit', hit);
      return hit;
    });
    hits.sort((a, b) => a.x - b.x || b.w - a.w);
    for (const { x, w } of hits) if (x >= end - 1e-9) { part += w; end = x + w; }
    found.textContent = text === '' ? '' : 'found in ' + (100 * part).toFixed(2) + ' %';
  };
  for (const frame of frames) {
    const say = () => (here.textContent = frame.g.querySelector('title').textContent);
    frame.g.addEventListener('mouseenter', say);
    frame.g.addEventListener('focus', say);
    frame.g.addEventListener('click', () => zoom(frame));
    frame.g.addEventListener('keydown', (event) => { if (event.key === 'Enter') zoom(frame); });
  }
  addEventListener('keydown', (event) => {
    if (event.key === 'Escape') { zoom(whole); search(''); }
    else if (event.key === '/') { event.preventDefault(); search(prompt('Functions whose names have') ?? ''); }
  });
})();
`.trim();
