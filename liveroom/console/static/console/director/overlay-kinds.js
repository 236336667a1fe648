/** What kinds of overlays there are, which fields each has, how one begins. Nothing here touches the page. */

const PLACE = ["x", "y", "height"];

export const KINDS = {
  lower_third: { title: "Lower third", icon: "badge", fields: ["text", "detail", "color", "background", ...PLACE] },
  scoreboard: { title: "Scoreboard", icon: "scoreboard", fields: ["text", "detail", "color", "background", ...PLACE] },
  countdown: { title: "Countdown", icon: "timer", fields: ["minutes", "after", "color", "background", ...PLACE] },
  clock: { title: "Clock", icon: "schedule", fields: ["zone", "color", "background", ...PLACE] },
  text: { title: "Text", icon: "title", fields: ["text", "color", "background", ...PLACE] },
  scrolling: { title: "Scrolling", icon: "text_rotation_none", fields: ["text", "color", "background", "y", "height"] },
  image: { title: "Image", icon: "image", fields: ["image", "opacity", ...PLACE] },
};

export const FIELDS = {
  text: { title: "Text", type: "text", maxlength: "300" },
  detail: { title: "Second line", type: "text", maxlength: "300" },
  after: {
    title: "Said when it is over", type: "text", maxlength: "300",
    read: (overlay) => overlay.detail ?? "", write: (value) => ({ detail: value }),
  },
  minutes: {
    title: "Minutes from now", type: "number", min: "0", max: "1440", step: "0.5",
    read: ({ until }) => String(Math.max(0, Math.round(((until || 0) - Date.now() / 1000) / 6) / 10) || 5),
    write: (value) => ({ until: Math.round(Date.now() / 1000 + Math.min(1440, Math.max(0, Number(value) || 0)) * 60) }),
  },
  zone: { title: "Time zone", type: "text", maxlength: "60", placeholder: "Europe/Berlin" },
  color: { title: "Letters", type: "color" },
  background: {
    title: "Behind them", type: "color",
    read: ({ background }) => background || "#101418", write: (value) => ({ background: value }),
  },
  x: { title: "From the left", type: "range", min: "0", max: "100", step: "0.5" },
  y: { title: "From the top", type: "range", min: "0", max: "100", step: "0.5" },
  height: { title: "Size", type: "range", min: "2", max: "60", step: "0.5" },
  opacity: { title: "How solid", type: "range", min: "0.1", max: "1", step: "0.05" },
  image: { title: "Picture", type: "picture" },
};

const FIRST = {
  lower_third: { text: "Your name", detail: "What you do", x: 5, y: 78, height: 8, background: "#101418" },
  scoreboard: { text: "HOME", detail: "GUEST", score: [0, 0], x: 3, y: 4, height: 7, background: "#101418" },
  countdown: { detail: "Here we go", x: 42, y: 45, height: 12, background: "#101418" },
  clock: { x: 84, y: 4, height: 6, background: "#101418" },
  text: { text: "Text", x: 5, y: 5, height: 6 },
  scrolling: { text: "News runs along here", y: 92, height: 6, background: "#101418" },
  image: { x: 82, y: 4, height: 14 },
};

const ownZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

/** A new one of a kind. */
export function fresh(kind) {
  const zone = kind === "clock" ? { zone: ownZone() } : {};
  return { kind, color: "#ffffff", opacity: 1, ...FIRST[kind], ...zone };
}

/** One line that says what it shows. */
export function summary(overlay) {
  const { kind, text, detail, score = [0, 0], zone, until } = overlay;
  if (kind === "scoreboard") return `${text} ${score[0]} : ${score[1]} ${detail}`;
  if (kind === "clock") return zone ?? "UTC";
  if (kind === "countdown") {
    if (!until) return "not started";
    const at = new Date(until * 1000);
    return `until ${at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}${detail ? `, then “${detail}”` : ""}`;
  }
  return [text, detail].filter(Boolean).join(", ");
}
