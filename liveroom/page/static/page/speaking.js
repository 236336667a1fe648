/** Whether this viewer may speak now, why not, and until when: one pure decision, as for the picture in stage.js. */

/** A mute without an end. */
export const FOREVER = Number.MAX_SAFE_INTEGER;

/** Short enough for the box on a phone. */
const OVER = { ended: "The stream has ended.", played_back: "The stream is over." };

/**
 * { reason, until } for { socket, room, me, mutedUntil, mutedAll, slowUntil, now }; an empty reason opens the box.
 * `until`: server's ms, 0 where nobody knows; `said`: read out when it begins, and when it ends.
 */
export function closedBox({ socket, room, me = {}, mutedUntil = 0, mutedAll = false, slowUntil = 0, now }) {
  if (socket.state === "refused") return { reason: "You are not in this room.", until: 0 };
  if (room === null) return { reason: "Connecting…", until: 0 };
  if (socket.state !== "joined") return { reason: "Reconnecting…", until: 0 };
  if (OVER[room.status]) return { reason: OVER[room.status], until: 0 };
  if (mutedUntil === FOREVER) return { reason: "A moderator muted you.", until: 0, said: true };
  if (mutedUntil > now) return { reason: "A moderator muted you", until: mutedUntil, said: true };
  const leads = me.role === "owner" || me.role === "admin";
  if (mutedAll && !leads) return { reason: "A moderator muted everyone.", until: 0, said: true };
  if (slowUntil > now) return { reason: "Not so fast, please", until: slowUntil };
  return { reason: "", until: 0 };
}
