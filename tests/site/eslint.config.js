// What JavaScript of explorers may not do: ESLint's recommended rules, and a few that find mistakes.
import js from "@eslint/js";
import globals from "globals";

export default [
  js.configs.recommended,
  {
    languageOptions: { ecmaVersion: 2023, sourceType: "module", globals: globals.browser },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      eqeqeq: "error",
      "no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "no-var": "error",
      "prefer-const": "error",
    },
  },
  // Python puts keys.js before each module that answers to arrow keys.
  { files: ["**/widgets/*.js"], languageOptions: { globals: { STEPS: "readonly" } } },
  { files: ["**/keys.js"], rules: { "no-unused-vars": "off" } },
];
