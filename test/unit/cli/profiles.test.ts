import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { configPath, readConfig, readSession, readUrl, removeProfile, saveProfile } from "#cli/profiles.ts";

const PROFILE = { url: "https://api.example.com", key: "pnc_1", timeZone: "Asia/Shanghai" };

let home: string;
const place = (variables: Record<string, string> = {}) => ({ home, variables, systemZone: "Europe/Berlin" });
const modeOf = async (path: string) => (await stat(path)).mode & 0o777;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "punctual-cli-"));
});
afterEach(() => rm(home, { recursive: true, force: true }));

describe("the file of profiles", () => {
  it("is readable by its owner alone, and so is its folder", async () => {
    const path = await saveProfile(place(), "default", PROFILE);
    expect(path).toBe(join(home, ".config/punctual/config.json"));
    expect(await modeOf(path)).toBe(0o600);
    expect(await modeOf(dirname(path))).toBe(0o700);
    // Nothing half-written stays.
    expect(await readdir(dirname(path))).toEqual(["config.json"]);
  });

  it("is where XDG_CONFIG_HOME says", () => {
    expect(configPath(place({ XDG_CONFIG_HOME: "/etc/xdg" }))).toBe("/etc/xdg/punctual/config.json");
  });

  it.each([0o640, 0o604, 0o660, 0o644])("is refused with mode %o, with the remedy", async (mode) => {
    const path = await saveProfile(place(), "default", PROFILE);
    await chmod(path, mode);
    await expect(readConfig(place())).rejects.toMatchObject({
      code: "open-config",
      remedy: expect.stringContaining(`chmod 600 ${path}`),
    });
  });

  it("is refused when it is something else", async () => {
    const path = await saveProfile(place(), "default", PROFILE);
    await writeFile(path, "{", { mode: 0o600 });
    await expect(readConfig(place())).rejects.toMatchObject({ code: "broken-config" });
  });

  it("stays a link, if it is one", async () => {
    const target = join(home, "dotfiles.json");
    const path = configPath(place());
    await mkdir(dirname(path), { recursive: true });
    await writeFile(target, JSON.stringify({ version: 1, current: "default", profiles: {} }), {
      mode: 0o600,
    });
    await symlink(target, path);
    await saveProfile(place(), "work", PROFILE);
    expect(JSON.parse(await readFile(target, "utf8"))).toMatchObject({ current: "work" });
  });

  it("forgets a profile, and uses another one then", async () => {
    await saveProfile(place(), "work", PROFILE);
    await saveProfile(place(), "home", PROFILE);
    expect(await removeProfile(place(), "home")).toBe(true);
    expect(await removeProfile(place(), "home")).toBe(false);
    expect(await readConfig(place())).toMatchObject({ current: "work", profiles: { work: PROFILE } });
  });
});

describe("who a command acts as", () => {
  it("is the profile that was saved last, or the one that is named", async () => {
    await saveProfile(place(), "work", { ...PROFILE, key: "pnc_work" });
    await saveProfile(place(), "home", { ...PROFILE, key: "pnc_home" });
    expect(await readSession(place())).toMatchObject({ profile: "home", key: "pnc_home" });
    expect(await readSession(place({ PUNCTUAL_PROFILE: "work" }))).toMatchObject({ key: "pnc_work" });
    expect(await readSession(place({ PUNCTUAL_PROFILE: "home" }), "work")).toMatchObject({ key: "pnc_work" });
  });

  it("is what the environment says, without any file", async () => {
    expect(
      await readSession(place({ PUNCTUAL_URL: "http://127.0.0.1:4550/api/v1/", PUNCTUAL_KEY: "pnc_2" })),
    ).toEqual({
      url: "http://127.0.0.1:4550",
      key: "pnc_2",
      timeZone: "Europe/Berlin",
    });
  });

  it("never takes the key of a profile to another address", async () => {
    await saveProfile(place(), "work", PROFILE);
    await expect(readSession(place({ PUNCTUAL_URL: "https://evil.example" }))).rejects.toMatchObject({
      code: "key-of-another-address",
      exitCode: 2,
    });
    const blank = { PUNCTUAL_URL: "https://evil.example", PUNCTUAL_KEY: " " };
    await expect(readSession(place(blank), "work")).rejects.toMatchObject({ code: "key-of-another-address" });
    expect(await readSession(place({ PUNCTUAL_URL: `${PROFILE.url}/api/v1` }))).toMatchObject({
      key: "pnc_1",
    });
  });

  it("is nobody before the first login: 3", async () => {
    await expect(readSession(place())).rejects.toMatchObject({ code: "not-logged-in", exitCode: 3 });
    await expect(readSession(place(), "work")).rejects.toMatchObject({
      remedy: "punctual login --profile work",
    });
  });
});

describe("an address", () => {
  it.each([
    ["https://api.example.com/", "https://api.example.com"],
    ["https://api.example.com/api/v1", "https://api.example.com"],
    ["https://example.com/stage/api/v1/", "https://example.com/stage"],
    ["http://localhost:4550", "http://localhost:4550"],
    ["http://[::1]:4550", "http://[::1]:4550"],
  ])("%s is %s", (text, url) => {
    expect(readUrl(text)).toBe(url);
  });

  it.each([
    "api.example.com",
    "ftp://example.com",
    "http://example.com",
    "http://127.0.0.1.example.com",
    "https://anne:secret@example.com",
    "https://example.com/?key=1",
  ])("%s is refused", (text) => {
    expect(() => readUrl(text)).toThrow();
  });
});
