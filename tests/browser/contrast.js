// Returns [texts checked, those under 4.5:1 (3:1 where large)], by the contrast formula of WCAG 2.
const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
const rgba = (colour) => {
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = colour;
  canvas.fillRect(0, 0, 1, 1);
  const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
  return [r, g, b, a / 255];
};
const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3]));
const luminance = (colour) => {
  const [r, g, b] = colour.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = (element) => {
  const layers = [];
  for (let e = element; e; e = e.parentElement) layers.unshift(rgba(getComputedStyle(e).backgroundColor));
  return layers.reduce((under, top) => over(top, under), [255, 255, 255]);
};
const poor = [];
let checked = 0;
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let node = walker.nextNode(); node; node = walker.nextNode()) {
  const element = node.parentElement;
  const style = getComputedStyle(element);
  if (!node.data.trim() || !element.getClientRects().length || element.closest("script, noscript, .hidden, .skip")) continue;
  const under = behind(element);
  const drawn = element instanceof SVGElement ? style.fill : style.color;
  const ink = over(rgba(drawn), under);
  const [high, low] = [luminance(ink), luminance(under)].sort((a, b) => b - a);
  const ratio = (high + 0.05) / (low + 0.05);
  const size = parseFloat(style.fontSize);
  const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  checked += 1;
  if (ratio < (large ? 3 : 4.5)) poor.push(`${ratio.toFixed(2)} ${element.className.baseVal ?? element.className} ${node.data.trim().slice(0, 40)}`);
}
return [checked, poor];
