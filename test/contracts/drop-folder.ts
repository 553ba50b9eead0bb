import { describe, expect, it } from "vitest";
import type { DropFolder } from "#shared/ports/drop-folder.ts";

export interface DropFolderFixture {
  readonly folder: DropFolder;
  put(key: string, body: string): Promise<void>;
}

let serial = 0;

/** What every `DropFolder` promises. */
export function dropFolderContract(name: string, open: () => DropFolderFixture): void {
  const freshProject = () => `项目 ${process.pid}-${++serial}`;
  const pageNames = async (folder: DropFolder, project: string) => {
    const names: string[] = [];
    for await (const page of folder.pages(project)) names.push(...page.map((file) => file.name));
    return names;
  };

  describe(`DropFolder contract: ${name}`, () => {
    it("lists the files that begin alike, and no others", async () => {
      const { folder, put } = open();
      const project = freshProject();
      for (const file of ["trip.md", "trip.1.jpg", "trip 2.md", "tripod.md", "trip"])
        await put(`drop/${project}/${file}`, "x");
      await put(`drop/${project} 2/trip.md`, "x");
      expect((await folder.list(project, "trip.")).map((file) => file.name)).toEqual([
        "trip.1.jpg",
        "trip.md",
      ]);
      expect(await folder.list(project, "none.")).toEqual([]);
    });

    it("tells what a reader needs to know of a file", async () => {
      const { folder, put } = open();
      const project = freshProject();
      const key = `drop/${project}/周末 +%20&.md`;
      const startedAt = Date.now();
      await put(key, "Hello");
      const [file] = await folder.list(project, "周末");
      expect(file).toMatchObject({ name: "周末 +%20&.md", key, sizeBytes: 5 });
      expect(file?.etag).toMatch(/^".+"$/);
      expect(Math.abs((file?.uploadedAt.getTime() ?? 0) - startedAt)).toBeLessThan(60_000);
    });

    it("finds a file by its exact name only", async () => {
      const { folder, put } = open();
      const project = freshProject();
      await put(`drop/${project}/cover.jpg.bak`, "x");
      expect(await folder.find(project, "cover.jpg")).toBeUndefined();
      await put(`drop/${project}/cover.jpg`, "x");
      expect(await folder.find(project, "cover.jpg")).toMatchObject({ name: "cover.jpg" });
    });

    it("reads a file as it was listed, or says that it changed", async () => {
      const { folder, put } = open();
      const project = freshProject();
      const key = `drop/${project}/a.txt`;
      await put(key, "Hello 你好");
      const listed = await folder.find(project, "a.txt");
      if (!listed) throw new Error("it is not listed");
      const read = await folder.read(listed);
      expect(read.ok && new TextDecoder().decode(read.value)).toBe("Hello 你好");
      await put(key, "Something else");
      expect(await folder.read(listed)).toEqual({ ok: false, error: { reason: "changed" } });
      expect(await folder.read({ key: `${key}.gone`, etag: listed.etag })).toEqual({
        ok: false,
        error: { reason: "changed" },
      });
    });

    it("goes through all files of a project, page by page", async () => {
      const { folder, put } = open();
      const project = freshProject();
      const names = Array.from({ length: 1_003 }, (_, index) => `${String(index).padStart(4, "0")}.md`);
      for (let start = 0; start < names.length; start += 50)
        await Promise.all(names.slice(start, start + 50).map((file) => put(`drop/${project}/${file}`, "x")));
      expect(await pageNames(folder, project)).toEqual(names);
      expect(await pageNames(folder, freshProject())).toEqual([]);
    });
  });
}
