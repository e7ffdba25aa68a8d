import js from "@eslint/js";
import { defineConfig, globalIgnores } from "eslint/config";
import tseslint from "typescript-eslint";

/** Rules that catch bugs; layout is Prettier's, layering is dependency-cruiser's. */
const restrictedSyntax = [
  {
    selector: "ExportDefaultDeclaration",
    message: "Export by name: a name is found by search and stays the same everywhere.",
  },
  { selector: "TSEnumDeclaration", message: "Use a union of string literals: the source runs unbuilt." },
  { selector: "TSExportAssignment", message: "This package is ESM only." },
];

export default defineConfig(
  globalIgnores(["dist/", "coverage/", ".cache/", "docs/", "web/", "notebooks/"]),
  {
    files: ["**/*.ts"],
    extends: [js.configs.recommended, tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      eqeqeq: ["error", "always", { null: "ignore" }],
      "no-restricted-syntax": ["error", ...restrictedSyntax],
      "no-var": "error",
      "prefer-const": ["error", { destructuring: "all" }],
      "no-self-compare": "off", // x !== x is how one asks for NaN
      "no-loss-of-precision": "off", // constants are written with all the digits their source gives
      "no-implicit-coercion": ["error", { boolean: true, number: true, string: true }],
      "no-throw-literal": "off", // only-throw-error
      "no-template-curly-in-string": "error",
      "no-unreachable-loop": "error",
      "no-constructor-return": "error",
      "array-callback-return": "error",
      "default-case-last": "error",
      "max-lines": ["warn", { max: 400, skipComments: true }],

      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "inline-type-imports" }],
      "@typescript-eslint/no-import-type-side-effects": "error",
      "@typescript-eslint/consistent-type-exports": "error",
      "@typescript-eslint/no-unused-vars": [
        "error",
        { args: "after-used", argsIgnorePattern: "^_", varsIgnorePattern: "^_", caughtErrorsIgnorePattern: "^_" },
      ],
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      "@typescript-eslint/no-shadow": "off",
      "@typescript-eslint/no-loop-func": "error",
      "@typescript-eslint/no-unnecessary-type-arguments": "error",
      "@typescript-eslint/prefer-readonly": "error",
      "@typescript-eslint/require-array-sort-compare": ["error", { ignoreStringArrays: true }],
      "@typescript-eslint/return-await": "error",
      "@typescript-eslint/method-signature-style": "off",

      // These fight numerical code and tracing.
      "@typescript-eslint/no-non-null-assertion": "off",
      "@typescript-eslint/restrict-template-expressions": "off",
      "@typescript-eslint/restrict-plus-operands": "error",
      "@typescript-eslint/no-unnecessary-condition": "off",
      "@typescript-eslint/unbound-method": "off",
      "@typescript-eslint/no-empty-function": "off",
      "@typescript-eslint/require-await": "off",
      "@typescript-eslint/no-base-to-string": "off", // arrays, jaxprs and tracers print themselves
    },
  },
  {
    // What users see throws only classes of errors.ts.
    files: ["src/**/*.ts"],
    ignores: ["src/errors.ts"],
    rules: {
      "no-restricted-syntax": [
        "error",
        ...restrictedSyntax,
        {
          selector: "ThrowStatement > NewExpression[callee.name='Error']",
          message: "Throw a class of errors.ts: what was asked, what came, what to do.",
        },
      ],
    },
  },
  {
    files: ["tests/**/*.ts", "bench/**/*.ts", "examples/**/*.ts", "scripts/**/*.ts"],
    rules: {
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
      "@typescript-eslint/no-unsafe-call": "off",
      "@typescript-eslint/no-unsafe-return": "off",
    },
  },
  {
    files: ["tests/**/*.ts"],
    rules: { "max-lines": "off" },
  },
  {
    files: ["*.config.ts"],
    rules: { "no-restricted-syntax": "off" },
  },
  {
    files: ["**/*.js", "**/*.mjs", "**/*.cjs"],
    extends: [js.configs.recommended],
  },
);
