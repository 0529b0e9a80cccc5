"use strict";
// Draws the curves once the page stands, and again when the colours change. All else works without this file.
(() => {
  const plots = [...document.querySelectorAll(".plot")];
  const root = document.documentElement;
  const here = document.currentScript.src;

  document.addEventListener("play", (event) => {
    for (const audio of document.querySelectorAll("audio")) {
      if (audio !== event.target) audio.pause();
    }
  }, true);

  // A link into a folded part unfolds it.
  const unfold = () => {
    const target = document.querySelector(":target");
    for (let fold = target && target.closest("details"); fold; fold = fold.parentElement.closest("details")) {
      fold.open = true;
    }
    if (target) target.scrollIntoView();
  };
  addEventListener("hashchange", unfold);
  if (location.hash) unfold();

  addEventListener("beforeprint", () => {
    root.dataset.print = "";
    for (const fold of document.querySelectorAll("#Failures > details")) fold.open = true;
  });
  addEventListener("afterprint", () => { delete root.dataset.print; });

  if (!plots.length) return;

  // plotly.js writes style attributes as text, which the content security policy refuses; set as properties they pass.
  const setAttribute = Element.prototype.setAttribute;
  Element.prototype.setAttribute = function (name, value) {
    if (name === "style") this.style.cssText = value;
    else setAttribute.call(this, name, value);
  };

  const coloured = (value, key, names) => {
    if (Array.isArray(value)) return value.map((each) => coloured(each, key, names));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, coloured(v, k, names)]));
    }
    const isName = /color$/.test(key) && typeof value === "string" && value.startsWith("--");
    return isName ? names.getPropertyValue(value).trim() : value;
  };

  const draw = (plot) => {
    const figure = JSON.parse(plot.querySelector("script").textContent);
    const canvas = plot.querySelector(".canvas") || plot.appendChild(document.createElement("div"));
    canvas.className = "canvas";
    const { data, layout } = coloured(figure, "", getComputedStyle(root));
    layout.font.family = getComputedStyle(document.body).fontFamily;
    plot.dataset.drawn = "";
    return Plotly.react(canvas, data, layout, { displayModeBar: false, responsive: true });
  };

  const later = window.requestIdleCallback || ((call) => setTimeout(call, 1));
  const undrawn = () => plots.filter((plot) => !("drawn" in plot.dataset));
  const next = () => {
    const [plot] = undrawn();
    if (!plot) return;
    draw(plot);
    later(next);
  };

  const start = () => {
    const script = document.createElement("script");
    script.src = new URL("plotly.min.js", here).href;
    script.onload = next;
    document.head.append(script);
  };
  // Two frames on, the page has been painted: the 5 MB of plotly.js never keep a reader waiting.
  const begin = () => requestAnimationFrame(() => requestAnimationFrame(() => later(start)));
  if (document.readyState === "complete") begin();
  else addEventListener("load", begin);

  const redraw = () => window.Plotly && plots.forEach(draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  // Print is light whatever the screen is; the colours are looked up after the mark above is set.
  addEventListener("beforeprint", () => {
    redraw();
    // Paper is narrower than the screen: the drawings scale with it.
    for (const svg of document.querySelectorAll(".plot .main-svg")) {
      svg.setAttribute("viewBox", `0 0 ${svg.getAttribute("width")} ${svg.getAttribute("height")}`);
    }
  });
  addEventListener("afterprint", () => {
    for (const svg of document.querySelectorAll(".plot .main-svg")) svg.removeAttribute("viewBox");
    redraw();
  });
})();
