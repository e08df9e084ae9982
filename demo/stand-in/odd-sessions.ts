import type { Session } from "./session.ts";

type Tag = Readonly<Record<string, unknown>>;
type Change = (session: Session) => Session;

function sessionTags(...tags: readonly (Tag | null)[]): Change {
  return (session) => ({ ...session, tags: { userTags: [], ...tagsOf(session), sessionTags: tags } });
}

function userTag(value: string): Change {
  return (session) => {
    const tags = tagsOf(session);
    const userTags = Array.isArray(tags.userTags) ? tags.userTags : [];
    return { ...session, tags: { ...tags, userTags: [...userTags, { name: "note", value }] } };
  };
}

function members(changes: Session): Change {
  return (session) => ({ ...session, ...changes });
}

function without(...names: readonly string[]): Change {
  return (session) => Object.fromEntries(Object.entries(session).filter(([name]) => !names.includes(name)));
}

function tagsOf(session: Session): Session {
  return (session.tags ?? {}) as Session;
}

/** What is rare in production and yet happens. Each session stays one that an archive must hold. */
export const ODDITIES: readonly [Change, ...Change[]] = [
  userTag("Great service 👍🏽 thanks 🎉 — my family 👨‍👩‍👧‍👦 is happy again"),
  userTag("ＦＵＬＬ－ＷＩＤＴＨ　１２３４５　ｶﾅ　カナ"),
  userTag("שלום, אני צריך עזרה עם ההזמנה 12345 — مرحبا، أحتاج إلى مساعدة"),
  userTag('She said "it\'s broken",\nthen hung up.\r\n\tC:\\temp\\call.log {not: "json"} </script>'),
  userTag("e\u0301 is not é; zero\u200Bwidth; line\u2028separator; \u0001; \u007F; \uFEFFmark"),
  userTag(""),
  sessionTags(
    { name: "intent", value: "Track Order" },
    { name: "intent", value: "Block Card" },
    { name: "intent", value: "Track Order" },
    { name: "Intent", value: "TRACK ORDER" },
  ),
  sessionTags({ name: "attempts", value: 3 }, { name: "score", value: 0.1 }, { name: "balance", value: -1e21 }),
  sessionTags({ name: "verified", value: true }, { name: "returning", value: false }, { name: "email", value: null }),
  sessionTags(
    { name: "order", value: { id: 48213, lines: [{ sku: "A-1", count: 2 }], paid: null } },
    { name: "products", value: ["lamp", 7, null, { colour: "red" }] },
    { name: "nothing", value: [] },
  ),
  sessionTags({ name: "valueless" }, { value: "nameless" }, { name: null, value: null }, null, {
    name: "",
    value: " ",
  }),
  members({ channel: null, userId: null, session_lang: null, noOfTasksExecuted: null }),
  members({ end_time: null, sessionType: null, isDeveloper: null }),
  without("sessionStatus", "noOfTasksExecuted"),
  without("tags", "session_lang", "isDeveloper"),
  members({ tags: null }),
  members({ tags: { userTags: null, sessionTags: null } }),
  members({ tags: { userTags: [], sessionTags: [], altText: [] }, session_lang: [] }),
  members({ isDeveloper: 1 }),
  members({ isDeveloper: 0, channel: "a-channel-of-the-future", session_lang: ["en", "de", "ja"] }),
  members({ sessionType: "non-interactive", noOfMessagesExchanged: 0, noOfTasksExecuted: 0, userId: "" }),
  members({ region: "eu-central", metrics: { turns: 4, sentiment: -0.25 } }),
];
