/** What is known of this computer and must not leave it, beside what looks secret by itself. */
export interface Known {
  /** Home folders of people, e.g. /home/ada. */
  readonly homes: readonly string[];
  /** Names of people and of this computer. */
  readonly names: readonly string[];
  /** Other words with what stands for them, e.g. an environment's name. */
  readonly words: readonly { readonly word: string; readonly standIn: string }[];
}

/** A text without what is secret, and how often what kind of thing was hidden in it. */
export interface Redacted {
  readonly text: string;
  readonly hidden: Readonly<Record<string, number>>;
}

interface Rule {
  readonly kind: string;
  readonly pattern: RegExp;
  /** $1 is what stays of the group. */
  readonly standIn: string;
}

/** Shorter names stand in too many other words to be hidden without spoiling the text. */
const minNameLength = 3;
/** Names that many computers have say nothing about anybody. */
const commonNames = new Set(["root", "admin", "user", "localhost", "debian", "ubuntu", "berth"]);

const secretWords =
  "pass(?:word|wd|phrase)?|secret|token|(?:api|access|private|secret|signing)[-_]?key|authorization|credentials?|cookie|keyring";
const octet = String.raw`(?:25[0-5]|2[0-4]\d|1?\d?\d)`;
const privateRange = String.raw`(?:10\.${octet}|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])|172\.(?:1[6-9]|2\d|3[01])|192\.168|169\.254)(?:\.${octet}){2}`;

const secretRules: readonly Rule[] = [
  {
    kind: "private keys",
    pattern: /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
    standIn: "[private key]",
  },
  // Tokens that say what they are: GitHub, GitLab, Slack, AWS, npm, model providers, Google, Docker, JWT.
  {
    kind: "tokens",
    pattern:
      /\b(?:gh[opsur]_[A-Za-z0-9]{16,}|github_pat_\w{16,}|gl[a-z]{2,6}-[\w-]{16,}|xox[a-z]-[\w-]{8,}|A(?:KIA|SIA)[A-Z0-9]{16}|npm_[A-Za-z0-9]{16,}|sk-[\w-]{16,}|AIza[\w-]{30,}|dckr_pat_[\w-]{16,}|eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?)/g,
    standIn: "[token]",
  },
  { kind: "tokens", pattern: /\b((?:Bearer|Basic) +)[\w.~+/=-]{8,}/gi, standIn: "$1[token]" },
  { kind: "tokens", pattern: /([#?&](?:token|key|code|signature|sig|access_token)=)[^&\s"'\\[\]]+/gi, standIn: "$1[token]" },
  // user:password@host, and a token in the place of the user.
  { kind: "credentials in addresses", pattern: /\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@"'\\]+@/gi, standIn: "$1[credentials]@" },
  {
    kind: "passwords",
    pattern: new RegExp(
      String.raw`((?<![\w-])[\w-]*(?:${secretWords})["']?\s*[:=]\s*)(?!\[)(?:"[^"\n]+"|'[^'\n]+'|(?!Bearer|Basic)[^\s,;&"'}\]]+)`,
      "gi",
    ),
    standIn: "$1[hidden]",
  },
  { kind: "e-mail addresses", pattern: /\b[\w.%+-]+@(?:[\w-]+\.)+[A-Za-z]{2,}\b/g, standIn: "[e-mail]" },
  { kind: "network addresses", pattern: new RegExp(String.raw`(?<![\d.])${privateRange}(?!\.?\d)`, "g"), standIn: "[address]" },
  {
    kind: "network addresses",
    pattern: /(?<![\w:])(?:fe[89ab][0-9a-f]|f[cd][0-9a-f]{2}):[0-9a-f:]*[0-9a-f](?:%\w+)?(?![\w:])/gi,
    standIn: "[address]",
  },
  { kind: "network addresses", pattern: /(?<![\w:])(?:[0-9a-f]{2}:){5}[0-9a-f]{2}(?![\w:])/gi, standIn: "[address]" },
];
/** Homes of people that are not known, and the name of this computer that log lines carry. */
const homeRules: readonly Rule[] = [
  { kind: "user names", pattern: /("hostname":")(?!\[)[^"]+/g, standIn: "$1[computer]" },
  { kind: "user names", pattern: /(\/(?:home|Users)\/)(?!\[)[^/\s"':,;)\]]+/g, standIn: "$1[user]" },
];

/** Hides tokens, passwords, addresses and names in a text. Pure. */
export function redact(text: string, known: Known): Redacted {
  const hidden: Record<string, number> = {};
  let result = text;
  // Secrets first: a name in the midst of one must not make it unrecognizable.
  for (const { kind, pattern, standIn } of [...secretRules, ...knownRules(known), ...homeRules]) {
    result = result.replace(pattern, (...found: unknown[]) => {
      hidden[kind] = (hidden[kind] ?? 0) + 1;
      return standIn.replace("$1", () => String(found[1]));
    });
  }
  return { text: result, hidden };
}

function knownRules({ homes, names, words }: Known): Rule[] {
  const long = (word: string): boolean => word.length >= minNameLength;
  return [
    ...byLength(homes.filter((home) => home.length > 1 && home !== "/root")).map((home) => ({
      kind: "user names",
      pattern: new RegExp(`${escaped(home)}(?![\\p{L}\\p{N}_-])`, "gu"),
      standIn: "~",
    })),
    ...[...words]
      .filter(({ word }) => long(word))
      .toSorted((a, b) => b.word.length - a.word.length)
      .map(({ word, standIn }) => ({ kind: "names of environments", pattern: wholeWord(word), standIn })),
    ...byLength(names.filter((name) => long(name) && !commonNames.has(name.toLowerCase()))).map((name) => ({
      kind: "user names",
      pattern: wholeWord(name),
      standIn: "[user]",
    })),
  ];
}

/** Longest first: a name may be a part of another. */
function byLength(texts: readonly string[]): string[] {
  return [...new Set(texts)].toSorted((a, b) => b.length - a.length);
}

/** Not inside another word, nor inside brackets, where our own words stand. */
function wholeWord(word: string): RegExp {
  return new RegExp(String.raw`(?<![\p{L}\p{N}_[])${escaped(word)}(?![\p{L}\p{N}_\]])`, "giu");
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`);
}
