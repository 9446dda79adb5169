// A user's program: sends JSON files with Coveo's client as its README shows, and says what the client reported.
//
//     node send_files.cjs batchStreamDocumentsFromFiles FILE...
"use strict";

const { CatalogSource } = require("@coveo/push-api-client");

async function main([operation, ...files]) {
  const { COVEO_API_KEY, COVEO_ORGANIZATION_ID, COVEO_SOURCE_ID } = process.env;
  const source = new CatalogSource(COVEO_API_KEY, COVEO_ORGANIZATION_ID, { retryAfter: 10 });
  const report = { uploaded: [], failed: [], error: null };
  const ids = (data) => data.batch.map((document) => document.marshal().documentId);
  try {
    await source[operation](COVEO_SOURCE_ID, files, { createFields: true })
      .onBatchUpload((data) => report.uploaded.push(ids(data)))
      .onBatchError((_error, data) => report.failed.push(ids(data)))
      .batch();
  } catch (error) {
    report.error = error.message;
  }
  console.log(JSON.stringify(report));
}

main(process.argv.slice(2));
