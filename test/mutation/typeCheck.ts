import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { type Mutant, mutated } from "./mutants.js";

/** Tells which mutants the compiler itself refuses: nobody can commit those, so no test has to notice them. */
export const typeChecker = (root: string): ((mutant: Mutant, text: string) => boolean) => {
  const config = ts.readConfigFile(join(root, "lib/tsconfig.json"), path => readFileSync(path, "utf8"));
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, join(root, "lib"));
  const files = readdirSync(join(root, "lib"), { recursive: true, encoding: "utf8" })
    .filter(path => path.endsWith(".ts") && !/^(dist|node_modules|course)\b/.test(path))
    .map(path => join(root, "lib", path));
  const changed = new Map<string, { readonly text: string; readonly version: number }>();
  let version = 0;
  const service = ts.createLanguageService({
    getCompilationSettings: () => options,
    getScriptFileNames: () => files,
    getScriptVersion: path => String(changed.get(path)?.version ?? 0),
    getScriptSnapshot: path => {
      const text = changed.get(path)?.text ?? ts.sys.readFile(path);
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
    },
    getCurrentDirectory: () => root,
    getDefaultLibFileName: settings => ts.getDefaultLibFilePath(settings),
    fileExists: path => ts.sys.fileExists(path),
    readFile: path => ts.sys.readFile(path),
    readDirectory: (...args) => ts.sys.readDirectory(...args),
    directoryExists: path => ts.sys.directoryExists(path),
    getDirectories: path => ts.sys.getDirectories(path),
  });
  return (mutant, text) => {
    const path = join(root, mutant.file);
    changed.set(path, { text: mutated(text, mutant), version: ++version });
    const compiles = service.getSemanticDiagnostics(path).length === 0;
    changed.set(path, { text, version: ++version });
    return compiles;
  };
};
