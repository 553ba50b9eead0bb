import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { GEMINI_PATH, geminiAnswers } from "#infra/local/sandbox/gemini-answers.ts";
import { SANDBOX_GEMINI_KEY } from "#infra/local/sandbox/gemini-api.ts";
import type { FaultRule, Sandbox } from "#infra/local/sandbox/sandbox.ts";
import { createGeminiTextWriter } from "#shared/adapters/gemini/text-writer.ts";
import { composePrompt } from "#shared/domain/content/prompt.ts";
import { textWriterContract, type WriterScript } from "#test/contracts/text-writer.ts";
import { aRequest } from "#test/support/writings.ts";
import { aSandbox } from "./sandbox/support.ts";

const SCRIPTS: Readonly<Record<WriterScript, FaultRule["action"]>> = {
  "blocks the prompt": geminiAnswers.blocked(),
  "stops the answer": geminiAnswers.stopped(),
  "answers no JSON": geminiAnswers.malformed(),
  "answers another shape": geminiAnswers.otherShape(),
  "cuts the answer short": geminiAnswers.cutShort(),
  "cuts the body": { cutBody: true },
  "drops the connection": { drop: "after-commit" },
  "is slow": { delayMs: 30_000 },
  "is broken": geminiAnswers.broken(),
  "is overloaded": geminiAnswers.overloaded(),
  "limits for 38 s": geminiAnswers.rateLimited(38),
  "limits, and does not say for how long": geminiAnswers.rateLimited(),
};

const writerTo = ({ url }: Sandbox, key: string | undefined = SANDBOX_GEMINI_KEY) =>
  createGeminiTextWriter({ endpoint: url, getKey: async () => key });

textWriterContract("Gemini", async () => {
  const sandbox = await aSandbox();
  return {
    writer: writerTo(sandbox),
    withKey: (key) => createGeminiTextWriter({ endpoint: sandbox.url, getKey: async () => key }),
    script: (script) => sandbox.addFault({ match: { path: GEMINI_PATH }, action: SCRIPTS[script] }),
    asked: sandbox.writings,
  };
});

const OPTIONS = { model: "gemini-3.5-flash-lite", deadlineMs: 10_000 };

describe("the writer", () => {
  it("lets no word of an error out: neither the text, nor the address, nor the key", async () => {
    const sandbox = await aSandbox();
    const secret = "a text that is nobody's business";
    for (const script of Object.values(SCRIPTS)) {
      if ("delayMs" in script) continue;
      sandbox.addFault({ match: { path: GEMINI_PATH }, action: script });
      const answer = JSON.stringify(
        await writerTo(sandbox).write(composePrompt(aRequest({ texts: [secret] })), OPTIONS),
      );
      for (const word of [secret, "127.0.0.1", SANDBOX_GEMINI_KEY]) expect(answer).not.toContain(word);
    }
  });

  it("throws what its own key store throws", async () => {
    const sandbox = await aSandbox();
    const broken = createGeminiTextWriter({
      endpoint: sandbox.url,
      getKey: () => Promise.reject(new RangeError("the table is away")),
    });
    await expect(broken.write(composePrompt(aRequest()), OPTIONS)).rejects.toThrow("the table is away");
  });

  it("counts a model without a known price as the dearest, and thoughts as output", async () => {
    const sandbox = await aSandbox();
    const told = { promptTokenCount: 1_000, candidatesTokenCount: 50, thoughtsTokenCount: 50 };
    sandbox.addFault({
      match: { path: GEMINI_PATH },
      action: {
        status: 200,
        body: {
          candidates: [
            {
              content: { parts: [{ text: "hm", thought: true }, { text: '{"texts":["Kites"]}' }] },
              finishReason: "STOP",
            },
          ],
          usageMetadata: told,
        },
      },
    });
    expect(
      await writerTo(sandbox).write(composePrompt(aRequest()), { ...OPTIONS, model: "gemini-99" }),
    ).toEqual({
      ok: true,
      value: { texts: ["Kites"], usage: { inputTokens: 1_000, outputTokens: 100, costMicros: 2_400 } },
    });
  });
});

describe("the sandbox's Gemini", () => {
  const ask = async (
    { url }: Sandbox,
    over: { path?: string; key?: string; body?: unknown; type?: string; method?: string } = {},
  ) => {
    const {
      path = "/v1beta/models/gemini-x:generateContent",
      key = SANDBOX_GEMINI_KEY,
      type = "application/json",
      method = "POST",
    } = over;
    const body = "body" in over ? over.body : { contents: [{ role: "user", parts: [{ text: "Hello" }] }] };
    const answer = await fetch(url + path, {
      method,
      headers: { "content-type": type, ...(key !== "" && { "x-goog-api-key": key }) },
      ...(method === "POST" && { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const json = (await answer.json()) as { error?: { status: string } };
    return [answer.status, json.error?.status];
  };
  const withConfig = (generationConfig: object) => ({
    contents: [{ role: "user", parts: [{ text: "Hello" }] }],
    generationConfig,
  });

  it.each([
    ["a plain request", {}, 200, undefined],
    ["no key", { key: "" }, 403, "PERMISSION_DENIED"],
    ["a wrong key", { key: "wrong" }, 400, "INVALID_ARGUMENT"],
    ["another version", { path: "/v1beta/files" }, 404, "NOT_FOUND"],
    ["another model", { path: "/v1beta/models/palm:generateContent" }, 404, "NOT_FOUND"],
    ["another method", { path: "/v1beta/models/gemini-x:countTokens" }, 404, "NOT_FOUND"],
    ["no POST", { method: "GET" }, 404, "NOT_FOUND"],
    ["no JSON", { body: "{" }, 400, "INVALID_ARGUMENT"],
    ["another type", { type: "text/plain" }, 400, "INVALID_ARGUMENT"],
    ["an unknown field", { body: { ...withConfig({}), prompt: "x" } }, 400, "INVALID_ARGUMENT"],
    ["no content", { body: { contents: [] } }, 400, "INVALID_ARGUMENT"],
    [
      "a schema",
      {
        body: withConfig({
          responseMimeType: "application/json",
          responseJsonSchema: { type: "object", properties: { pattern: { type: "string" } } },
        }),
      },
      200,
      undefined,
    ],
    [
      "a schema without its type",
      { body: withConfig({ responseJsonSchema: { type: "object" } }) },
      400,
      "INVALID_ARGUMENT",
    ],
    [
      "a schema keyword that Gemini does not know",
      {
        body: withConfig({
          responseMimeType: "application/json",
          responseJsonSchema: { type: "array", items: { type: "string", minLength: 1 } },
        }),
      },
      400,
      "INVALID_ARGUMENT",
    ],
  ])("answers %s as Google does", async (_what, over, status, code) => {
    expect(await ask(await aSandbox(), over)).toEqual([status, code]);
  });

  it("shows what it was asked", async () => {
    const sandbox = await aSandbox();
    await ask(sandbox);
    const shown = await (await fetch(`${sandbox.url}/sandbox/writings`)).json();
    expect(shown).toEqual({ writings: [{ model: "gemini-x", instructions: "", data: "Hello" }] });
    expect(sandbox.requests()).toEqual([]);
  });

  it("is not misled by a client that goes away", async () => {
    const sandbox = await aSandbox();
    const socket = connect(sandbox.port, "127.0.0.1");
    socket.write(
      "POST /v1beta/models/gemini-x:generateContent HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{",
    );
    socket.destroySoon();
    expect(await ask(sandbox)).toEqual([200, undefined]);
  });
});
