import ts from "typescript";

/** One small change to a source file that still compiles. */
export interface Mutant {
  /** Path below the project's root, with forward slashes. */
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  readonly start: number;
  readonly end: number;
  readonly original: string;
  readonly replacement: string;
  /** A statement is left out; an expression is replaced. */
  readonly of: "expression" | "statement";
  /** Name of the outermost declaration that it stands in; empty outside of any. */
  readonly within: string;
}

/** A change in a line: `a < b => a <= b`. */
export const changeOf = ({ original, replacement }: Pick<Mutant, "original" | "replacement">): string =>
  `${original.replace(/\s+/g, " ")} => ${replacement === "" ? "(left out)" : replacement.replace(/\s+/g, " ")}`;

/** What an operator becomes. */
const swapped: ReadonlyMap<ts.SyntaxKind, string> = new Map([
  [ts.SyntaxKind.LessThanToken, "<="],
  [ts.SyntaxKind.LessThanEqualsToken, "<"],
  [ts.SyntaxKind.GreaterThanToken, ">="],
  [ts.SyntaxKind.GreaterThanEqualsToken, ">"],
  [ts.SyntaxKind.EqualsEqualsEqualsToken, "!=="],
  [ts.SyntaxKind.ExclamationEqualsEqualsToken, "==="],
  [ts.SyntaxKind.AmpersandAmpersandToken, "||"],
  [ts.SyntaxKind.BarBarToken, "&&"],
  [ts.SyntaxKind.PlusToken, "-"],
  [ts.SyntaxKind.MinusToken, "+"],
  [ts.SyntaxKind.AsteriskToken, "/"],
  [ts.SyntaxKind.SlashToken, "*"],
  [ts.SyntaxKind.PercentToken, "*"],
  [ts.SyntaxKind.AmpersandToken, "|"],
  [ts.SyntaxKind.BarToken, "&"],
  [ts.SyntaxKind.LessThanLessThanToken, ">>>"],
  [ts.SyntaxKind.GreaterThanGreaterThanGreaterThanToken, "<<"],
]);

/** What a called method becomes. */
const swappedMethod: ReadonlyMap<string, string> = new Map([
  ["some", "every"],
  ["every", "some"],
  ["min", "max"],
  ["max", "min"],
  ["floor", "ceil"],
  ["ceil", "floor"],
  ["find", "findLast"],
  ["push", "unshift"],
  ["shift", "pop"],
]);

const assignments: ReadonlyMap<ts.SyntaxKind, string> = new Map([
  [ts.SyntaxKind.PlusEqualsToken, "-="],
  [ts.SyntaxKind.MinusEqualsToken, "+="],
]);

const isCondition = (node: ts.Node): boolean => {
  const { parent } = node;
  return (
    ((ts.isIfStatement(parent) || ts.isWhileStatement(parent)) && parent.expression === node) ||
    (ts.isConditionalExpression(parent) && parent.condition === node) ||
    (ts.isForStatement(parent) && parent.condition === node)
  );
};

/** Whether what stands there is only ever read by a person: a message, an error, a type. */
const isCosmetic = (node: ts.Node): boolean => {
  for (let at: ts.Node | undefined = node; at !== undefined; at = at.parent) {
    if (ts.isThrowStatement(at) || ts.isTypeNode(at) || ts.isTemplateSpan(at)) return true;
    if (ts.isNewExpression(at) && /Error$/.test(at.expression.getText())) return true;
  }
  return false;
};

/** The name of the declaration at the top of the file that holds a node. */
const outermost = (node: ts.Node): string => {
  let at = node;
  while (!ts.isSourceFile(at.parent)) at = at.parent;
  if (ts.isVariableStatement(at)) return at.declarationList.declarations[0]!.name.getText();
  return ts.isFunctionDeclaration(at) || ts.isClassDeclaration(at) ? (at.name?.text ?? "") : "";
};

/** Every mutant of a source text, in the order of the text. */
export const mutantsOf = (file: string, text: string): readonly Mutant[] => {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true);
  const found: Mutant[] = [];
  const add = (node: ts.Node, replacement: string, of: Mutant["of"] = "expression") => {
    const start = node.getStart(source);
    const original = text.slice(start, node.end);
    if (original === replacement) return;
    const line = source.getLineAndCharacterOfPosition(start).line + 1;
    found.push({ file, line, start, end: node.end, original, replacement, of, within: outermost(node) });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isTypeNode(node) || isCosmeticRoot(node)) return;
    if (ts.isExpression(node) && isCondition(node)) {
      if (!ts.isForStatement(node.parent) && !ts.isWhileStatement(node.parent)) add(node, "true");
      add(node, "false");
    }
    if (ts.isBinaryExpression(node)) {
      const operator = node.operatorToken;
      const other = swapped.get(operator.kind) ?? assignments.get(operator.kind);
      if (other !== undefined)
        add(node, `${text.slice(node.left.getStart(source), node.left.end)} ${other} ${node.right.getText(source)}`);
      if (operator.kind === ts.SyntaxKind.QuestionQuestionToken) add(node, node.right.getText(source));
    } else if (ts.isPrefixUnaryExpression(node)) {
      if (node.operator === ts.SyntaxKind.ExclamationToken || node.operator === ts.SyntaxKind.MinusToken)
        add(node, node.operand.getText(source));
    } else if (ts.isPostfixUnaryExpression(node)) {
      const other = node.operator === ts.SyntaxKind.PlusPlusToken ? "--" : "++";
      add(node, `${node.operand.getText(source)}${other}`);
    } else if (ts.isNumericLiteral(node)) {
      if (!ts.isPropertyName(node.parent) && !(ts.isPropertyAssignment(node.parent) && node.parent.name === node))
        add(node, node.text === "0" ? "1" : `(${node.getText(source)} + 1)`);
    } else if (node.kind === ts.SyntaxKind.TrueKeyword) add(node, "false");
    else if (node.kind === ts.SyntaxKind.FalseKeyword) add(node, "true");
    else if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
      const other = swappedMethod.get(node.expression.name.text);
      const { name } = node.expression;
      if (other !== undefined && !ts.isOptionalChain(node.parent))
        add(node, text.slice(node.getStart(source), name.getStart(source)) + other + text.slice(name.end, node.end));
    } else if (ts.isExpressionStatement(node)) {
      if (!ts.isCallExpression(node.expression) || node.expression.expression.kind !== ts.SyntaxKind.SuperKeyword)
        add(node, "", "statement");
    }
    if (ts.isReturnStatement(node) && node.expression === undefined) add(node, "", "statement");
    ts.forEachChild(node, visit);
  };
  const isCosmeticRoot = (node: ts.Node): boolean =>
    (ts.isThrowStatement(node) || ts.isNewExpression(node) || ts.isTemplateSpan(node)) && isCosmetic(node);
  visit(source);
  return found;
};

/** The text with a mutant in place of what it changes. */
export const mutated = (text: string, { start, end, replacement, of }: Mutant): string =>
  text.slice(0, start) + (of === "statement" ? ";" : replacement) + text.slice(end);

/**
 * The text in which each of some mutants can be switched on by its number: `on(number)` stands before what it changes.
 * Mutants within mutants are kept.
 */
export const switchable = (text: string, mutants: readonly (Mutant & { readonly number: number })[]): string => {
  const places = new Map<string, (Mutant & { readonly number: number })[]>();
  for (const mutant of mutants) {
    const key = `${mutant.start} ${mutant.end} ${mutant.of}`;
    places.set(key, [...(places.get(key) ?? []), mutant]);
  }
  // Outer places first; of the same place, a statement holds its expression.
  const ordered = [...places.values()].sort(
    ([a], [b]) => a!.start - b!.start || b!.end - a!.end || (a!.of === "statement" ? -1 : 1),
  );
  let index = 0;
  const write = (from: number, to: number): string => {
    let out = "";
    let at = from;
    while (index < ordered.length && ordered[index]![0]!.start < to) {
      const group = ordered[index++]!;
      const { start, end, of } = group[0]!;
      const inner = write(start, end);
      const numbers = group.map(({ number }) => number);
      // A statement in braces of its own, as an else may follow it.
      const wrapped =
        of === "statement"
          ? `{ if (!__mutant(${numbers[0]})) { ${inner} } }`
          : `(${group.map(({ number, replacement }) => `__mutant(${number}) ? (${replacement}) : `).join("")}(${inner}))`;
      out += text.slice(at, start) + wrapped;
      at = end;
    }
    return out + text.slice(at, to);
  };
  return write(0, text.length);
};

/** The text in which each turn of a loop is a step of work: `__step()` stands first in its body. */
export const counted = (text: string): string => {
  const source = ts.createSourceFile("counted.ts", text, ts.ScriptTarget.ES2022, true);
  const bodies: ts.Statement[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isIterationStatement(node, false)) bodies.push(node.statement);
    ts.forEachChild(node, visit);
  };
  visit(source);
  const braces = bodies
    .flatMap(body => [
      { at: body.getStart(source), brace: "{ __step(); " },
      { at: body.end, brace: " }" },
    ])
    .sort((a, b) => b.at - a.at);
  return braces.reduce((out, { at, brace }) => out.slice(0, at) + brace + out.slice(at), text);
};
