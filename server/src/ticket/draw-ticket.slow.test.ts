import { describe, expect, test } from "vitest";
import { fontsOf, printPages, scan } from "../../test/read-ticket.ts";
import { ticketOf } from "../../test/ticket-contents.ts";
import type { Booking } from "../contract/index.ts";
import { drawTicket } from "./draw-ticket.ts";

const scripts: [string, Partial<Booking>][] = [
  ["Latin", { movieTitle: "Amélie", customerName: "Zoë O’Brien" }],
  ["Vietnamese", { movieTitle: "Mùi đu đủ xanh", customerName: "Đặng Thị Ngọc Hân" }],
  ["Cyrillic", { movieTitle: "Сталкер", customerName: "Анна Ахматова" }],
  ["Greek", { movieTitle: "Ζορμπάς", customerName: "Ελένη Παπαδοπούλου" }],
  ["Devanagari", { movieTitle: "दिलवाले दुल्हनिया ले जायेंगे", customerName: "लक्ष्मी क्षत्रिय" }],
  ["Tamil", { movieTitle: "பொன்னியின் செல்வன்", customerName: "கார்த்திக்" }],
  ["Telugu", { movieTitle: "బాహుబలి: ది బిగినింగ్", customerName: "శ్రీనివాస రావు" }],
  ["Bengali", { movieTitle: "পথের পাঁচালী", customerName: "সত্যজিৎ রায়" }],
  ["Kannada", { movieTitle: "ಕಾಂತಾರ", customerName: "ಶ್ರೀನಿವಾಸ" }],
  ["Malayalam", { movieTitle: "ദൃശ്യം", customerName: "ലക്ഷ്മി" }],
  ["Gujarati", { movieTitle: "છેલ્લો દિવસ", customerName: "કૃષ્ણા" }],
  ["Gurmukhi", { movieTitle: "ਪੰਜਾਬ", customerName: "ਗੁਰਪ੍ਰੀਤ" }],
  ["Oriya", { movieTitle: "ଓଡ଼ିଆ", customerName: "ଲକ୍ଷ୍ମୀ" }],
  ["Sinhala", { movieTitle: "සිංහල\u{A0}සිංහල", customerName: "ශ්‍රී" }],
  ["Arabic", { movieTitle: "لورنس العرب (النسخة 2)", customerName: "محمد عبد الرحمن" }],
  ["Hebrew", { movieTitle: "ואלס עם באשיר (2008)", customerName: "שָׁלוֹם כהן" }],
  ["Thai", { movieTitle: "ลุงบุญมีระลึกชาติ", customerName: "อภิชาติพงศ์" }],
  ["Lao", { movieTitle: "ສະບາຍດີ", customerName: "ລາວ" }],
  ["Khmer", { movieTitle: "ភាសាខ្មែរ", customerName: "សុខា" }],
  ["Burmese", { movieTitle: "မြန်မာဘာသာ", customerName: "အောင်" }],
  ["Georgian", { movieTitle: "ქართული", customerName: "ნინო" }],
  ["Armenian", { movieTitle: "Նռան գույնը", customerName: "Անի" }],
  ["Ethiopic", { movieTitle: "አማርኛ", customerName: "ሰላም" }],
  ["Thaana", { movieTitle: "ދިވެހި", customerName: "އިބްރާހީމް" }],
  ["Tibetan", { movieTitle: "བོད་ཡིག", customerName: "བསྟན་འཛིན" }],
  ["Meetei Mayek", { movieTitle: "ꯃꯤꯇꯩꯂꯣꯟ", customerName: "ꯏꯔꯣꯝ" }],
  ["Ol Chiki", { movieTitle: "ᱥᱟᱱᱛᱟᱲᱤ", customerName: "ᱨᱟᱹᱜᱷᱩ" }],
  ["Japanese", { movieTitle: "千と千尋の神隠し", customerName: "宮崎 駿" }],
  ["Chinese", { movieTitle: "卧虎藏龙 臥虎藏龍", customerName: "李安" }],
  ["Korean", { movieTitle: "기생충", customerName: "봉준호" }],
  ["Emoji", { movieTitle: "The Emoji Movie 🎬🍿 ❤️ 👨‍👩‍👧 🇮🇳" }],
];

describe.each(scripts)("a ticket with names in %s", (_, change) => {
  test("is one page with all its fonts inside, and its code can be read", async () => {
    const contents = ticketOf(change);
    const pdf = await drawTicket(contents);
    const [page, ...others] = await printPages(pdf);
    expect(others).toEqual([]);
    expect(scan(page!.pixels)).toBe(contents.token);
    expect(fontsOf(pdf).filter(({ isEmbedded }) => !isEmbedded)).toEqual([]);
    expect(fontsOf(pdf).some(({ name }) => /^[A-Z]{6}\+Poppins/.test(name))).toBe(true);
    expect(page?.text).toContain("₹400.00");
  });
});

test("is the same to the byte, whatever was printed in between", async () => {
  const tickets = [ticketOf(), ...scripts.map(([, change]) => ticketOf(change))];
  const first = await Promise.all(tickets.map(drawTicket));
  const second = await Promise.all(tickets.map(drawTicket));
  expect(second.map((pdf, index) => pdf.equals(first[index]!))).toEqual(tickets.map(() => true));
});
