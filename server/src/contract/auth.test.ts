import { describe, expect, test } from "vitest";
import { signUpInput } from "./auth.ts";
import {
  emailSchema,
  nameSchema,
  newPasswordSchema,
  phoneNumberSchema,
  securityAnswerSchema,
  usernameSchema,
} from "./person.ts";

// Outside the Basic Multilingual Plane: one character, two UTF-16 units, four bytes.
const deseret = "\u{10428}";

const accepts = (schema: { safeParse(value: unknown): { success: boolean } }, value: unknown) =>
  schema.safeParse(value).success;

describe("a name", () => {
  test.each([
    "McDonald",
    "van der Berg",
    "O'Neil",
    "d’ARC",
    "Ng",
    "X",
    "Dr. Strange",
    "Anne Marie Jane van Dam",
    "Sammy Davis, Jr.",
    "Gal·la",
    "Jean-Luc",
    "éLODIE ÅKERSTRÖM",
    "प्रिया शर्मा",
    "র\u200D্যাব",
    "علی\u200Cرضا",
    "李小龍",
    "ʻOkina",
    "-Customer",
    deseret.repeat(70),
  ])("%j is kept as typed", (name) => {
    expect(nameSchema.parse(name)).toBe(name);
  });

  test.each([
    ["  ravi KUMAR  ", "ravi KUMAR"],
    ["Customer  Lee", "Customer Lee"],
    ["Customer \t\n\u00a0 Lee", "Customer Lee"],
    ["e\u0301lodie", "\u00e9lodie"],
    ["e\u0301".repeat(70), "\u00e9".repeat(70)],
  ])("%j is kept as %j", (given, kept) => {
    expect(nameSchema.parse(given)).toBe(kept);
  });

  test.each([
    ["nothing", ""],
    ["nothing but spaces", "     "],
    ["no letter", ".-'"],
    ["seventy-one letters", "a".repeat(71)],
    ["seventy-one letters of two units each", deseret.repeat(71)],
    ["a digit", "Customer2"],
    ["a mark without its letter", "\u0301anna"],
    ["a mark after a space", "anna \u0301b"],
    ["a right-to-left override", "Customer\u202eLee"],
    ["a joiner at its end", "Customer\u200d"],
    ["a joiner at its start", "\u200cCustomer"],
    ["a joiner beside a space", "Customer\u200d Lee"],
    ["two joiners in a row", "Customer\u200d\u200dLee"],
    ["a formula", "=HYPERLINK(1)"],
    ["an emoji", "Customer😀"],
    ["a NUL", "Customer\0"],
  ])("may not have %s", (_, name) => {
    expect(accepts(nameSchema, name)).toBe(false);
  });

  test("of the wrong marks is refused in linear time", () => {
    const startedAt = performance.now();
    expect(accepts(nameSchema, `${"a\u200d".repeat(5_000)}!`)).toBe(false);
    expect(accepts(nameSchema, `${"a".repeat(69)}!`)).toBe(false);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });
});

describe("a username", () => {
  test.each(["abc", "a".repeat(30), "a.b", "a_b-c.d", "a1.", "z99"])("may be %s", (username) => {
    expect(usernameSchema.parse(username)).toBe(username);
  });

  test.each(["Abc", "abC", " abc", "abc\n", "\tABC "])(
    "typed as %j is kept trimmed, in lower case",
    (username) => {
      expect(usernameSchema.parse(username)).toBe("abc");
    },
  );

  test.each([
    "ab",
    "a".repeat(31),
    "1abc",
    ".abc",
    "_abc",
    "-abc",
    "a..b",
    "a._b",
    "a-_b",
    "abc def",
    "ábc",
    "аbс",
    "a@bc",
    "__proto__",
    "",
  ])("may not be %j", (username) => {
    expect(accepts(usernameSchema, username)).toBe(false);
  });
});

const passwordOf = (length: number, filler = "x") => `Aa!${filler.repeat(length - 3)}`;

describe("a new password", () => {
  test.each([
    ["8 characters", passwordOf(8)],
    ["128 characters", passwordOf(128)],
    ["128 characters of two units each", passwordOf(128, deseret)],
    ["8 characters of which one has two units", `Aa!xxxx${deseret}`],
    ["letters of other scripts", "Éé!12345"],
    ["spaces inside and around", " Aa! 12 "],
  ])("may have %s", (_, password) => {
    expect(newPasswordSchema.parse(password)).toBe(password);
  });

  test.each([
    ["7 characters", passwordOf(7)],
    ["7 characters in 8 units", `Aa!xxx${deseret}`],
    ["129 characters", passwordOf(129)],
    ["no upper-case letter", "aaa!aaaa"],
    ["no lower-case letter", "AAA!AAAA"],
    ["no punctuation", "AAAAaaaa"],
    ["only punctuation beyond ASCII", "AAAAaaa…"],
    ["a space as its only punctuation", "AAAA aaaa"],
  ])("may not have %s", (_, password) => {
    expect(accepts(newPasswordSchema, password)).toBe(false);
  });

  test.each(Array.from("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"))("counts %s as punctuation", (mark) => {
    expect(accepts(newPasswordSchema, `AAAAaaa${mark}`)).toBe(true);
  });
});

describe("a phone number", () => {
  test.each(["0000000000", "9876543210"])("may be %s", (number) => {
    expect(phoneNumberSchema.parse(number)).toBe(number);
  });

  test.each([
    "987654321",
    "98765432100",
    "+919876543",
    "98765 4321",
    "९८७६५४३२१०",
    "١٢٣٤٥٦٧٨٩٠",
    "9876543210\n",
    "",
  ])("may not be %j", (number) => {
    expect(accepts(phoneNumberSchema, number)).toBe(false);
  });
});

const addressOf = (length: number) => `${"a".repeat(length - 12)}@example.com`;

describe("an e-mail address", () => {
  test.each([
    ["Customer.Lee@Example.COM", "customer.lee@example.com"],
    ["a+tag@example.co.in", "a+tag@example.co.in"],
    ["o'neil@example.com", "o'neil@example.com"],
    [" Anna@Example.com\t", "anna@example.com"],
    ["a@b.co", "a@b.co"],
    ["anna@example", "anna@example"],
    [".anna..lee@example.com", ".anna..lee@example.com"],
    ["!#$%&'*+/=?^_`{|}~-@example.com", "!#$%&'*+/=?^_`{|}~-@example.com"],
  ])("%s is kept as %s", (given, kept) => {
    expect(emailSchema.parse(given)).toBe(kept);
  });

  test("has at most 254 characters", () => {
    expect(accepts(emailSchema, addressOf(254))).toBe(true);
    expect(accepts(emailSchema, addressOf(255))).toBe(false);
  });

  test.each([
    "",
    "anna",
    "@example.com",
    "anna@",
    "anna@@example.com",
    "an na@example.com",
    "anna@example.com\r\nBcc: other@example.com",
    "anna@exa_mple.com",
    "ann\u0430@example.com",
    "anna@-example.com",
    "anna@example..com",
    `anna@${"a".repeat(64)}.com`,
    "anna lee@example.com",
  ])("may not be %j", (email) => {
    expect(accepts(emailSchema, email)).toBe(false);
  });
});

describe("a security answer", () => {
  test.each([
    ["four characters", "Fido", "Fido"],
    ["four characters of two units each", deseret.repeat(4), deseret.repeat(4)],
    ["four characters once they are folded", "ﬁdo", "ﬁdo"],
    ["spaces around, which go", "  Fido \n", "Fido"],
    ["two hundred characters", "x".repeat(200), "x".repeat(200)],
  ])("may have %s", (_, given, kept) => {
    expect(securityAnswerSchema.parse(given)).toBe(kept);
  });

  test.each([
    ["three characters", "Rex"],
    ["three characters in six units", deseret.repeat(3)],
    ["three characters among spaces", "  Rex  "],
    ["three characters once they are folded", "e\u0301te"],
    ["more than two hundred", "x".repeat(201)],
  ])("may not have %s", (_, answer) => {
    expect(accepts(securityAnswerSchema, answer)).toBe(false);
  });
});

describe("a sign-up", () => {
  const good = {
    name: "Customer Lee",
    username: "anna",
    password: "Correct-Horse-9",
    phoneNumber: "9876543210",
    email: "anna@example.com",
    securityQuestionId: 1,
    securityAnswer: "Fido",
  };

  test.each([
    ["the name", { name: "ﬁdo LEE", securityAnswer: " Fido Lee " }],
    ["the username", { username: "fido-lee", securityAnswer: "FIDO-Ｌee" }],
    ["the e-mail address", { email: "Fido@Example.com", securityAnswer: "fido@example.COM " }],
  ])("may not answer the security question by %s, and says so beside other problems", (_, change) => {
    const paths = (input: object) => signUpInput.safeParse(input).error?.issues.map(({ path }) => path);
    expect(paths({ ...good, ...change })).toEqual([["securityAnswer"]]);
    expect(paths({ ...good, ...change, phoneNumber: 1 })).toEqual([["phoneNumber"], ["securityAnswer"]]);
    expect(accepts(signUpInput, { ...good, ...change, securityAnswer: "Rex the dog" })).toBe(true);
  });

  test.each([null, undefined, "text", 5, []])("that is %j is refused and no more", (input) => {
    expect(accepts(signUpInput, input)).toBe(false);
  });

  test("reports every failing field at once, by its own name", () => {
    const wrong = {
      name: "7",
      username: "A",
      password: "a",
      phoneNumber: "1",
      email: "a",
      securityQuestionId: 1.5,
      securityAnswer: "a",
    };
    const issues = signUpInput.safeParse(wrong).error?.issues ?? [];
    expect(new Set(issues.map((issue) => issue.path.join(".")))).toEqual(new Set(Object.keys(wrong)));
  });

  test.each(Object.keys(good))("without %s names that field alone", (field) => {
    const { [field]: _, ...rest } = good as Record<string, unknown>;
    const issues = signUpInput.safeParse(rest).error?.issues ?? [];
    expect(issues.map((issue) => issue.path)).toEqual([[field]]);
  });

  test.each(["1", null, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, 1n, [1], true])(
    "refuses %s as a question",
    (securityQuestionId) => {
      expect(accepts(signUpInput, { ...good, securityQuestionId })).toBe(false);
    },
  );

  test("takes texts of sixty thousand characters apart in no time", () => {
    const startedAt = performance.now();
    for (const text of [
      "a".repeat(60_000),
      `${"a'".repeat(30_000)}!`,
      "a-".repeat(30_000),
      " a".repeat(30_000),
      `a@${"a.".repeat(30_000)}`,
      `${"a.".repeat(30_000)}@`,
      `a${"\u0301".repeat(60_000)}1`,
    ]) {
      const wrong = Object.fromEntries(Object.keys(good).map((field) => [field, text]));
      expect(accepts(signUpInput, wrong)).toBe(false);
    }
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });
});
