import { fileURLToPath } from "node:url";
import tseslint from "typescript-eslint";

const off = names => Object.fromEntries(names.map(name => [`@typescript-eslint/${name}`, "off"]));

/** What the compiler does not look at: promises that nobody waits for, values of type any, assertions that say nothing. */
export default tseslint.config(
  { ignores: ["**/dist/**", "lib/course/client/**", "**/*.js"] },
  {
    files: ["lib/**/*.ts", "test/**/*.ts"],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: fileURLToPath(new URL("..", import.meta.url)) },
    },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "@typescript-eslint/no-unused-vars": [
        "error",
        { argsIgnorePattern: "^_", destructuredArrayIgnorePattern: "^_", ignoreRestSiblings: true },
      ],
      "@typescript-eslint/prefer-promise-reject-errors": ["error", { allowThrowingUnknown: true }],
      ...off([
        // An async function without await turns what is thrown into a rejection, as its callers expect.
        "require-await",
        // A reader of bytes that comes to their end says so by throwing, and its caller catches it.
        "only-throw-error",
        // Objects here are closures: their functions do not use `this`.
        "unbound-method",
        // Messages print lists and values from outside as they are.
        "restrict-template-expressions",
        "no-base-to-string",
      ]),
    },
  },
);
