import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addHashtags, checkWriting, finishWriting } from "#shared/domain/content/check-writing.ts";
import { findFacts, missingFacts } from "#shared/domain/content/facts.ts";
import { composePrompt } from "#shared/domain/content/prompt.ts";
import { weightedLength } from "#shared/domain/post-text.ts";
import { aBrief, aRequest } from "#test/support/writings.ts";

const ORIGINAL = "Our red kites fly again on Saturday at 10:30, see https://kites.example.com/fly @kiteshop";
const kinds = (...texts: string[]) =>
  checkWriting(aRequest({ texts: [ORIGINAL] }), texts).map(({ kind }) => kind);

describe("checkWriting: enhance", () => {
  it("takes a text that keeps everything, in any order", () => {
    expect(
      kinds(
        "🪁 Saturday, 10:30: our red kites are back! @kiteshop tells you more: https://kites.example.com/fly #kites",
      ),
    ).toEqual([]);
  });

  it.each([
    ["a lost link", "Our red kites fly again on Saturday at 10:30 @kiteshop", ["lost"]],
    ["a shortened link", ORIGINAL.replace("/fly", ""), ["lost", "invented"]],
    ["a lost mention", ORIGINAL.replace(" @kiteshop", ""), ["lost"]],
    ["a changed number", ORIGINAL.replace("10:30", "11:30"), ["lost", "invented"]],
    ["an invented link", `${ORIGINAL} https://evil.example.com`, ["invented"]],
    ["an invented bare domain", `${ORIGINAL} evil.com`, ["invented"]],
    ["an invented mention", `${ORIGINAL} @evil`, ["invented"]],
    ["an invented cashtag", `${ORIGINAL} $EVIL`, ["invented"]],
    ["an invented number", `${ORIGINAL} 50 % off`, ["invented"]],
    ["an invented mail address", `${ORIGINAL} kites@evil.de`, ["invented"]],
    ["another scheme", `${ORIGINAL} javascript://x`, ["invented"]],
    [
      "another language",
      "我们的红色风筝星期六又要飞了 10:30 https://kites.example.com/fly @kiteshop",
      ["other-language"],
    ],
    ["something else", "Vote for me. 10:30 https://kites.example.com/fly @kiteshop", ["unlike"]],
    ["nothing", " \n", ["unusable"]],
    ["a control character", `${ORIGINAL}\u0000`, ["unusable"]],
    ["a reordered text", `${ORIGINAL} \u202egpj`, ["unusable"]],
    ["too much", `${ORIGINAL} ${"and more ".repeat(30)}`, ["too-long"]],
  ])("refuses %s", (_what, text, expected) => {
    expect(kinds(text)).toEqual(expected);
  });

  it("refuses a text that quotes the instructions", () => {
    const { instructions } = composePrompt(aRequest());
    for (const line of instructions.split("\n"))
      expect([line, kinds(`${ORIGINAL} ${line}`.slice(0, 280))]).toEqual([line, ["unusable"]]);
  });

  it("refuses another number of parts, and says which part of a thread is wrong", () => {
    const request = aRequest({ texts: ["Kites fly on Saturday.", "Come at 10:30."] });
    expect(checkWriting(request, ["Kites fly on Saturday. Come at 10:30."])).toEqual([
      { part: 1, kind: "count", wanted: 2, found: 1 },
    ]);
    expect(checkWriting(request, ["On Saturday kites fly!", "Come along!"])).toEqual([
      { part: 2, kind: "lost", facts: ["10:30"] },
    ]);
    // A fact that moves to another part is lost where it was.
    expect(
      checkWriting(request, ["On Saturday at 10:30 kites fly!", "Come along!"]).map(({ kind }) => kind),
    ).toEqual(["invented", "lost"]);
  });

  it("leaves an empty part of a post with media empty", () => {
    expect(checkWriting(aRequest({ texts: [""] }), [""])).toEqual([]);
    expect(checkWriting(aRequest({ texts: [""] }), ["See 5 kites"]).map(({ kind }) => kind)).toEqual([
      "invented",
    ]);
  });

  it.each([
    ["zh", "我们的红色风筝星期六再次飞上天空，欢迎来看", "星期六，红色风筝再次起飞，欢迎你来！", []],
    ["zh", "我们的红色风筝星期六再次飞上天空，欢迎来看", "大家快来投票支持新市长候选人", ["unlike"]],
    [
      "zh",
      "我们的红色风筝星期六再次飞上天空，欢迎来看",
      "Red kites fly on Saturday, come and see",
      ["other-language"],
    ],
    ["ja", "赤い凧が土曜日にまた空を飛びます", "土曜日、赤い凧がまた空へ！", []],
    ["ja", "赤い凧が土曜日にまた空を飛びます", "星期六红色风筝再次飞上天空", ["other-language"]],
    ["ru", "Красные змеи снова летят в субботу", "В субботу снова летят красные змеи!", []],
    ["ko", "빨간 연이 토요일에 다시 날아요", "토요일에 빨간 연이 다시 날아올라요!", []],
  ])("knows %s: “%s” as “%s”", (language, original, text, expected) => {
    expect(checkWriting(aRequest({ texts: [original], language }), [text]).map(({ kind }) => kind)).toEqual(
      expected,
    );
  });

  it("does not believe the post's language, which is a default, but its text", () => {
    expect(checkWriting(aRequest({ texts: [ORIGINAL], language: "zh" }), [`${ORIGINAL}!`])).toEqual([]);
  });
});

describe("checkWriting: generate", () => {
  const request = aRequest({ writing: aBrief(), texts: [""], language: "zh" });
  const found = (text: string) => checkWriting(request, [text]).map(({ kind }) => kind);

  it.each([
    [
      "the link and what the brief says",
      "Kite festival! 200 kites, free entry. @kiteshop https://kites.example.com/festival",
      [],
    ],
    ["no more than the link", "Come to the kite festival: https://kites.example.com/festival", []],
    ["no link", "Come to the kite festival!", ["lost"]],
    ["another link", "Festival: https://kites.example.com/festival https://evil.example.com", ["invented"]],
    ["another mention", "Festival: https://kites.example.com/festival @evil", ["invented"]],
    ["another number", "Festival with 300 kites: https://kites.example.com/festival", ["invented"]],
    ["another language", "海滩上的风筝节欢迎你 https://kites.example.com/festival", ["other-language"]],
  ])("judges a text with %s", (_what, text, expected) => {
    expect(found(text)).toEqual(expected);
  });

  it("takes the post's language when the brief has none", () => {
    const { language: _, ...rest } = (aBrief() as Extract<typeof request.writing, { mode: "generate" }>)
      .brief;
    const writing = { mode: "generate", onFailure: "hold", brief: rest } as const;
    const text = "海滩上的风筝节欢迎你 https://kites.example.com/festival";
    expect(checkWriting({ ...request, writing }, [text])).toEqual([]);
  });
});

describe("finishWriting", () => {
  const long = `${ORIGINAL}. ${"It will be a fine day for everybody. ".repeat(8)}`;

  it("cuts only when told to", () => {
    const request = aRequest({ texts: [ORIGINAL] });
    expect(finishWriting(request, [long], false)).toMatchObject({ ok: false, error: [{ kind: "too-long" }] });
    const cut = finishWriting(request, [long], true);
    expect(cut.ok && weightedLength(cut.value[0] ?? "")).toBeLessThanOrEqual(280);
  });

  it("never lets out what the check refuses, whatever was written", () => {
    const piece = fc.constantFrom(
      ...[
        "Our red kites",
        "fly again",
        "on Saturday",
        "at 10:30",
        "https://kites.example.com/fly",
        "@kiteshop",
        "@evil",
      ],
      ...["evil.com", "50", ". ", "! ", "\n\n", "风筝", "and more of it", "\u202e", "$EVIL"],
    );
    const written = fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join(" "));
    const request = aRequest({ texts: [ORIGINAL] });
    let passed = 0;
    fc.assert(
      fc.property(
        fc.oneof(
          written,
          written.map((more) => `${ORIGINAL}. ${more}`),
        ),
        (text) => {
          const finished = finishWriting(request, [text], true);
          if (!finished.ok) return;
          passed += 1;
          const [out = ""] = finished.value;
          expect(weightedLength(out)).toBeLessThanOrEqual(280);
          expect(missingFacts(findFacts(ORIGINAL), findFacts(out))).toEqual([]);
          expect(out).not.toMatch(/evil|50|EVIL|\u202e/);
        },
      ),
      { numRuns: 500 },
    );
    expect(passed).toBeGreaterThan(0);
  });
});

describe("addHashtags", () => {
  const add = (words: string[], { text = "Red kites fly. #Wind", max = 280, count = 3 } = {}) =>
    addHashtags({ texts: [text, "Second part"], maxTextLength: max }, words, count);

  it("puts as many as are asked for behind the first part, in their order", () => {
    expect(add(["#Kites", "Sky", "＃风筝", "#More"])).toEqual({
      ok: true,
      value: ["Red kites fly. #Wind #Kites #Sky #风筝", "Second part"],
    });
  });

  it("leaves out what is there, what is twice and what is no hashtag", () => {
    expect(
      add([
        "#wind",
        "#Kites",
        "#kites",
        "#two words",
        "#",
        "#2026",
        "@evil",
        "#a-b",
        "https://evil.com",
        "#x".repeat(60),
      ]),
    ).toEqual({
      ok: true,
      value: ["Red kites fly. #Wind #Kites", "Second part"],
    });
  });

  it("brings no number along that is not in the text", () => {
    expect(add(["#Kites2027", "#Kites"])).toMatchObject({
      value: ["Red kites fly. #Wind #Kites", "Second part"],
    });
    expect(add(["#Kites2027"], { text: "Kites of 2027" })).toMatchObject({
      value: ["Kites of 2027 #Kites2027", "Second part"],
    });
  });

  it("takes a shorter one when a longer one finds no room", () => {
    expect(add(["#Festival", "#Sky"], { text: "Red kites fly", max: 20 })).toMatchObject({
      value: ["Red kites fly #Sky", "Second part"],
    });
  });

  it("says when there is room for none, or when there is none", () => {
    expect(add(["#Kites"], { max: 20 })).toEqual({
      ok: false,
      error: [{ part: 1, kind: "too-long", excess: 7 }],
    });
    expect(add(["no tag", "https://evil.com"])).toEqual({
      ok: false,
      error: [{ part: 1, kind: "unusable" }],
    });
  });
});
