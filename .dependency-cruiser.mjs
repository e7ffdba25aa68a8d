/**
 * The layers of `src/`: everything flows one way, and nothing imports upwards.
 *
 *     errors, tree  ◀  core  ◀  passes  ◀  primitives  ◀  compile  ◀  engines  ◀  numpy, lax, nn ...  ◀  api  ◀  index
 *
 * (`a ◀ b`: b may import a.) The families that users call stand on primitives; transformations stand beside them, and only what takes a
 * user's function (loops, conditionals) asks them how functions are traced.
 */
const ground = "errors\\.ts$|tree(?:Def|Path|Prefix)?\\.ts$|schedules/|bytes\\.ts$";

/** @param {string} layer @param {string} from @param {string} allowed @param {string} comment */
const only = (layer, from, allowed, comment) => ({
  name: `${layer}-imports`,
  comment,
  severity: "error",
  from: { path: from },
  to: { path: "^src/", pathNot: `^src/(?:${allowed}|${ground})` },
});

/** What stands on top: the tables that users read, what puts the package together, and the public names. */
const top =
  "^src/(?:index\\.ts$|install\\.ts$|autodiff\\.ts$|residuals\\.ts$|residualUses\\.ts$|explain\\.ts$|fwdBwd\\.ts$|table\\.ts$|inspect/)";

/** What users call. */
const user = "numpy|lax|nn|ops|optim|random|scipy|io";

/**
 * The functions of users that take functions, and what they ask of the API: how to trace them, and for linear solvers how to transpose and to
 * vectorize them.
 */
const takesFunctions =
  "^src/(?:lax/(?:loopCarry|scan|whileLoop|foriLoop|conditionals|associativeScan|linearSolve|composite|root)|numpy/linalgSolve)\\.ts$";
const tracing = "api/(?:flat|forward|traceBody|reverse|vmap)\\.ts$";

export default {
  forbidden: [
    only("core", "^src/core/", "core/", "core knows nothing but itself, errors and trees."),
    only("passes", "^src/passes/", "passes/|core/", "A pass turns a jaxpr into a jaxpr: it needs core only."),
    only("primitives", "^src/primitives/", "primitives/|passes/|core/", "A primitive's record needs core and passes."),
    only("plan", "^src/plan/", "plan/", "The planner works on plain graphs: it knows nothing of arrays and programs."),
    only(
      "compile",
      "^src/compile/",
      "compile/|plan/|primitives/|passes/|core/",
      "A program is made from a jaxpr; engines and the API are its users.",
    ),
    only(
      "engines",
      "^src/engines/",
      "engines/|compile/|primitives/|passes/|core/",
      "An engine runs programs and knows nothing of the API above.",
    ),
    only(
      "users",
      `^src/(?:${user})/`,
      `(?:${user})/|${tracing}|(?:argNames|parameters|report)\\.ts$|primitives/|passes/|core/`,
      "What users call is composed of primitives, and knows nothing of engines, programs and transformations.",
    ),
    {
      name: "tracing-of-functions",
      comment: "Only loops, conditionals, scans and linear solvers take functions, and transform them as the API does.",
      severity: "error",
      from: { path: `^src/(?:${user})/`, pathNot: takesFunctions },
      to: { path: "^src/api/" },
    },
    {
      ...only(
        "api",
        "^src/(?:api/|checkpoint\\.ts$|policies\\.ts$|policy/)",
        "api/|policy/|(?:argNames|parameters|report)\\.ts$|compile/|primitives/|passes/|core/",
        "A transformation needs primitives and passes; what it does to arrays it does by primitives.",
      ),
      from: { path: "^src/(?:api/|checkpoint\\.ts$|policies\\.ts$|policy/)", pathNot: "^src/api/jacobian\\.ts$" },
    },
    only(
      "jacobian",
      "^src/api/jacobian\\.ts$",
      "numpy/|api/|(?:argNames|parameters|report)\\.ts$|compile/|primitives/|passes/|core/",
      "Jacobians are put together of basis vectors by NumPy's functions.",
    ),
    {
      name: "ground-imports",
      comment: "errors.ts and tree.ts are what everything stands on: from above they may know types only.",
      severity: "error",
      from: { path: "^src/(?:errors|tree(?:Def|Path|Prefix)?)\\.ts$" },
      to: { path: "^src/", pathNot: `^src/(?:${ground})`, dependencyTypesNot: ["type-only"] },
    },
    {
      name: "engines-apart",
      comment: "An engine never imports another engine, so that one which isn't imported isn't bundled.",
      severity: "error",
      from: { path: "^src/engines/([^/]+)/" },
      to: { path: "^src/engines/[^/]+/", pathNot: "^src/engines/$1/" },
    },
    {
      name: "user-layers-below-the-tables",
      comment: "What users call doesn't use the tables about residuals and programs.",
      severity: "error",
      from: { path: `^src/(?:${user})/` },
      to: { path: top },
    },
    {
      name: "index-is-for-users",
      comment: "src/index.ts holds the public names; the source imports the file that defines them.",
      severity: "error",
      from: { path: "^src/" },
      to: { path: "^src/index\\.ts$" },
    },
    {
      name: "small-entry",
      comment:
        "remat/autodiff is for apps that have to be small: no engine, no methods of arrays, nothing that installs them.",
      severity: "error",
      from: { path: "^src/autodiff\\.ts$" },
      to: { path: "^src/(?:engines/|install\\.ts$|index\\.ts$|numpy/methods\\.ts$)", reachable: true },
    },
    {
      name: "no-circular",
      comment: "Circles are allowed only if at least one of their imports is of types alone.",
      severity: "error",
      from: { path: "^src/" },
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    {
      name: "no-unresolvable",
      comment: "Write the path with its .ts extension.",
      severity: "error",
      from: { path: "^src/" },
      to: { couldNotResolve: true },
    },
    {
      name: "no-dev-dependencies",
      comment: "The library has no run-time dependencies but the optional ones that package.json names.",
      severity: "error",
      from: { path: "^src/" },
      to: { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"], dependencyTypesNot: ["type-only", "npm-peer"] },
    },
    {
      name: "no-node-modules-of-node",
      comment:
        "The library runs in browsers: only io, the xla engine and the tables' terminal output may ask for node:.",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/(?:io/|engines/xla/|inspect/|cli\\.ts$)" },
      to: { dependencyTypes: ["core"], dependencyTypesNot: ["type-only"] },
    },
    {
      name: "src-alone",
      comment: "The source doesn't import tests, benchmarks, examples or scripts.",
      severity: "error",
      from: { path: "^src/" },
      to: { path: "^(?:tests|bench|examples|scripts|web|notebooks)/" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      extensions: [".ts", ".d.ts", ".js", ".mjs", ".json"],
      exportsFields: ["exports"],
      conditionNames: ["@remat/source", "import", "node", "default", "types"],
    },
  },
};
