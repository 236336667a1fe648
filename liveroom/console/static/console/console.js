// What every page of the console shares: dialogs that ask first, copy and eye buttons, byte counters, a page that keeps fresh.

const bytes = (text) => new TextEncoder().encode(text.replaceAll("\r\n", "\n")).length;

/** Shows how many of the allowed bytes are used. It never stops anybody from typing: the server says no, and why. */
function count(field) {
  const limit = Number(field.dataset.limitBytes);
  const counter = document.createElement("div");
  counter.className = "lr-counter";
  const tell = () => {
    const used = bytes(field.value);
    counter.textContent = `${used} / ${limit} bytes`;
    counter.classList.toggle("lr-over", used > limit);
  };
  field.addEventListener("input", tell);
  field.insertAdjacentElement("afterend", counter);
  tell();
}

/** The clipboard API wants https or localhost; a selection works everywhere. */
async function copy(field) {
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    const type = field.type;
    if (type === "password") field.type = "text";
    field.select();
    const done = document.execCommand("copy");
    if (type === "password") field.type = type;
    return done;
  }
}

function say(button, icon, ms = 1500) {
  const symbol = button.querySelector(".material-symbols-outlined");
  if (!symbol) return;
  const before = symbol.dataset.icon ?? (symbol.dataset.icon = symbol.textContent);
  symbol.textContent = icon;
  setTimeout(() => { symbol.textContent = before; }, ms);
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.dialog) document.getElementById(button.dataset.dialog)?.showModal();
  if (button.hasAttribute("data-close")) button.closest("dialog")?.close();
  if (button.dataset.copy) {
    event.preventDefault();
    say(button, (await copy(document.querySelector(button.dataset.copy))) ? "check" : "error");
  }
  if (button.dataset.eye) {
    event.preventDefault();
    const field = document.querySelector(button.dataset.eye);
    const shown = field.type === "password";
    field.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", String(shown));
    button.querySelector(".material-symbols-outlined").textContent = shown ? "visibility_off" : "visibility";
  }
});

// A click beside the dialog closes it.
document.addEventListener("mousedown", (event) => {
  if (event.target instanceof HTMLDialogElement && event.target.classList.contains("lr-dialog")) event.target.close();
});

document.querySelectorAll("[data-limit-bytes]").forEach(count);
// What was refused may stand far below what the page begins with.
document.querySelector("form .errornote")?.scrollIntoView({ block: "start" });

/** Replaces the part of the page that says how often it wants to be fresh, while somebody looks at it. */
async function refresh(part) {
  if (document.hidden) return;
  try {
    const answer = await fetch(location.href, { headers: { "X-Requested-With": "fetch" } });
    if (!answer.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById(part.id);
    if (fresh && fresh.innerHTML !== part.innerHTML) part.innerHTML = fresh.innerHTML;
  } catch {
    // The next round will tell.
  }
}

for (const part of document.querySelectorAll("[data-refresh]")) {
  setInterval(refresh, Number(part.dataset.refresh) * 1000, part);
}
