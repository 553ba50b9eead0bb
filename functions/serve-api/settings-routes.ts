import { callerInWords } from "#functions/middleware/http-caller.ts";
import type { RouteAnswer, RouteHandlers } from "#functions/middleware/router.ts";
import { toSettingsVersionView, toSettingsView } from "#shared/contract/settings-view.ts";
import type { ListSettingVersions, ReadSettings } from "#shared/usecases/read-settings.ts";
import type { RollbackSettings } from "#shared/usecases/rollback-settings.ts";
import type { WriteSettings } from "#shared/usecases/write-settings.ts";
import { OPERATOR_ONLY } from "./operator-only.ts";
import { changedSince } from "./stale-version.ts";

export interface SettingsRouteDeps {
  readonly readSettings: ReadSettings;
  readonly writeSettings: WriteSettings;
  readonly listSettingVersions: ListSettingVersions;
  readonly rollbackSettings: RollbackSettings;
}

type SettingsRoutes = Pick<
  RouteHandlers,
  "readSettings" | "writeSettings" | "listSettingVersions" | "rollbackSettings"
>;

/** The settings of the deployment: which answer each outcome is. */
export const createSettingsRoutes = (usecases: SettingsRouteDeps): SettingsRoutes => ({
  async readSettings(): Promise<RouteAnswer<"readSettings">> {
    return { status: 200, body: toSettingsView(await usecases.readSettings()) };
  },

  async writeSettings({ caller, body, ifVersion }): Promise<RouteAnswer<"writeSettings">> {
    const { ownerId } = caller;
    const written = await usecases.writeSettings(body, { ownerId, by: callerInWords(caller), ifVersion });
    if (written.ok) return { status: 200, body: toSettingsView(written.value) };
    const { error } = written;
    return error.reason === "stale" ? changedSince(error) : OPERATOR_ONLY;
  },

  async listSettingVersions({ query: { limit, cursor } }): Promise<RouteAnswer<"listSettingVersions">> {
    const { versions, next } = await usecases.listSettingVersions({ limit, before: cursor });
    const items = versions.map(toSettingsVersionView);
    return { status: 200, body: { items, ...(next !== undefined && { next: String(next) }) } };
  },

  async rollbackSettings({ caller, body, ifVersion }): Promise<RouteAnswer<"rollbackSettings">> {
    const { ownerId } = caller;
    const wish = { ownerId, by: callerInWords(caller), ifVersion };
    const rolledBack = await usecases.rollbackSettings(body.version, wish);
    if (rolledBack.ok) return { status: 200, body: toSettingsView(rolledBack.value) };
    const { error } = rolledBack;
    switch (error.reason) {
      case "stale":
        return changedSince(error);
      case "operator-only":
        return OPERATOR_ONLY;
      case "unknown-version":
        return {
          problem: "settings-version-not-found",
          detail: `There is no version ${body.version} of the settings. GET /api/v1/settings/versions lists them.`,
        };
    }
  },
});
