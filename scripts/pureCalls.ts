/**
 * Lets bundlers drop what an app doesn't use. Most of this library is tables: `export const sinP = unary("sin", ...)`, and a bundler has to keep such a
 * call, because for all it knows the call has an effect. It has none: `sideEffects` in package.json names the only modules whose evaluation is their
 * purpose, and in all others a module-level initializer does nothing but make a value. So, on the way from the source to JavaScript, every call and
 * every `new` in such an initializer is marked `@__PURE__`. Spreading counts as an effect too (of a getter or an iterator), and no mark exists for it:
 * an initializer that spreads becomes a marked call of a function that returns it.
 *
 * The source stays free of marks, and none can be forgotten. `scripts/build.ts` makes `dist` so, and `scripts/size.ts` measures what it makes.
 */
import ts from "typescript";

/** True if evaluating the expression spreads something: an effect that can't be marked. */
function spreads(node: ts.Node): boolean {
  if (ts.isSpreadElement(node) || ts.isSpreadAssignment(node)) return true;
  return !ts.isFunctionLike(node) && !ts.isClassLike(node) && (ts.forEachChild(node, spreads) ?? false);
}

const marked = <T extends ts.Node>(node: T): T =>
  ts.addSyntheticLeadingComment(node, ts.SyntaxKind.MultiLineCommentTrivia, "@__PURE__");

/** The transformation, for `before` in TypeScript's custom transformers. */
export const pureCalls: ts.TransformerFactory<ts.SourceFile> = (context) => {
  const { factory } = context;
  const mark = (node: ts.Node): ts.Node => {
    if (ts.isFunctionLike(node) || ts.isClassLike(node)) return node;
    const inner = ts.visitEachChild(node, mark, context);
    return ts.isCallExpression(inner) || ts.isNewExpression(inner) ? marked(inner) : inner;
  };
  const delayed = (value: ts.Expression): ts.Expression => {
    const body = ts.isObjectLiteralExpression(value) ? factory.createParenthesizedExpression(value) : value;
    return marked(factory.createImmediatelyInvokedArrowFunction([factory.createReturnStatement(body)]));
  };
  const declaration = (node: ts.VariableDeclaration): ts.VariableDeclaration => {
    const value = node.initializer;
    if (value === undefined) return node;
    const next = spreads(value) ? delayed(value) : (mark(value) as ts.Expression);
    return factory.updateVariableDeclaration(node, node.name, node.exclamationToken, node.type, next);
  };
  return (file) => {
    const statements = file.statements.map((statement) =>
      ts.isVariableStatement(statement)
        ? factory.updateVariableStatement(
            statement,
            statement.modifiers,
            factory.updateVariableDeclarationList(
              statement.declarationList,
              statement.declarationList.declarations.map(declaration),
            ),
          )
        : statement,
    );
    return factory.updateSourceFile(file, statements);
  };
};
