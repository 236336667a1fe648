/** Who may take part in a draw, in words. */

/** [{ text, missing }]; `me` and `following` say what is missing to this viewer. */
export function conditionWords({ min_level: level = 0, follower, gift, member } = {}, { me = {}, following = false } = {}) {
  const words = [];
  if (level > 0) words.push({ text: `level ${level}`, missing: (me.level ?? 0) < level });
  if (follower) words.push({ text: "followers", missing: !following });
  if (gift) words.push({ text: "whoever sent a gift in this show", missing: false });
  if (member) words.push({ text: "members", missing: false });
  return words;
}
