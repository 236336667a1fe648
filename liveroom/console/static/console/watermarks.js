// The little picture of watermarks: boxes where they are, and a click into it says where the next one goes, or the one being moved.

const box = () => document.getElementById("media-watermarks");
let form = null;

/** Boxes of what the page says; sizes are percent of the picture. */
function draw() {
  for (const place of box()?.querySelectorAll("[data-place]:not([data-drawn])") ?? []) {
    const [x, y, height] = ["x", "y", "height"].map((name) => Number(place.dataset[name]));
    const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    rect.setAttribute("x", x * 1.6);
    rect.setAttribute("y", y * 0.9);
    rect.setAttribute("width", Math.min(160 - x * 1.6, height * 0.9 * 3));
    rect.setAttribute("height", Math.min(90 - y * 0.9, height * 0.9));
    place.append(rect);
    place.dataset.drawn = "yes";
  }
}

document.addEventListener("focusin", (event) => {
  const near = event.target.closest("#media-watermarks form");
  if (near?.querySelector("[name=x_percent]")) form = near;
});

document.addEventListener("click", (event) => {
  const picture = event.target.closest("#media-watermarks [data-places]");
  if (!picture) return;
  const where = picture.getBoundingClientRect();
  const chosen = form?.isConnected ? form : box().querySelector("[data-add-watermark]");
  const percent = (at, from, size) => Math.min(99, Math.max(0, ((at - from) / size) * 100)).toFixed(1);
  chosen.querySelector("[name=x_percent]").value = percent(event.clientX, where.left, where.width);
  chosen.querySelector("[name=y_percent]").value = percent(event.clientY, where.top, where.height);
  chosen.querySelector("[name=y_percent]").focus();
});

if (box()) {
  new MutationObserver(draw).observe(box(), { childList: true, subtree: true });
  draw();
}
