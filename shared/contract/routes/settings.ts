import {
  listSettingVersionsQuery,
  rollbackSettingsBody,
  settingsVersionPage,
  settingsView,
  writeSettingsBody,
} from "../settings-view.ts";
import { BODY_PROBLEMS, none, type RouteShape } from "./route-shape.ts";

const SETTINGS = "/api/v1/settings";

export const SETTINGS_ROUTES = {
  readSettings: {
    method: "GET",
    path: SETTINGS,
    summary: "Reads the settings of the deployment, and what they may be.",
    scope: "manage",
    repeatable: true,
    versioned: true,
    params: none,
    notFound: "route-not-found",
    query: none,
    answers: { 200: settingsView },
    problems: [],
  },
  writeSettings: {
    method: "PUT",
    path: SETTINGS,
    summary:
      "Changes the settings that are given, and leaves the others. Every function follows within 30 s. Only keys of the deployment's first owner may.",
    scope: "admin",
    // What is in force already is not saved again.
    repeatable: true,
    versioned: true,
    params: none,
    notFound: "route-not-found",
    query: none,
    body: writeSettingsBody,
    answers: { 200: settingsView },
    problems: [...BODY_PROBLEMS, "operator-only", "precondition-failed"],
  },
  listSettingVersions: {
    method: "GET",
    path: `${SETTINGS}/versions`,
    summary: "Lists the versions of the settings, newest first: what changed, when, and by whom.",
    scope: "manage",
    repeatable: true,
    paged: true,
    params: none,
    notFound: "route-not-found",
    query: listSettingVersionsQuery,
    answers: { 200: settingsVersionPage },
    problems: [],
  },
  rollbackSettings: {
    method: "POST",
    path: `${SETTINGS}/rollback`,
    summary:
      "Brings an old version of the settings back, as a new one. Only keys of the deployment's first owner may.",
    scope: "admin",
    repeatable: true,
    versioned: true,
    params: none,
    notFound: "route-not-found",
    query: none,
    body: rollbackSettingsBody,
    answers: { 200: settingsView },
    problems: [...BODY_PROBLEMS, "operator-only", "settings-version-not-found", "precondition-failed"],
  },
} as const satisfies Record<string, RouteShape>;
