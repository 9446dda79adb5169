// Sends JSON array files with Coveo's JavaScript client as its README shows, and says what it sent.
//
//     node send_files.cjs batchStreamDocumentsFromFiles FILE...
"use strict";

const { CatalogSource } = require("@coveo/push-api-client");

async function main([operation, ...files]) {
  const { COVEO_API_KEY, COVEO_ORGANIZATION_ID, COVEO_SOURCE_ID } = process.env;
  const sent = { items: 0, chunks: 0 };
  await new CatalogSource(COVEO_API_KEY, COVEO_ORGANIZATION_ID)
    [operation](COVEO_SOURCE_ID, files, { createFields: false })
    .onBatchUpload((data) => {
      sent.items += data.batch.length;
      sent.chunks += 1;
    })
    .onBatchError((error) => {
      throw error;
    })
    .batch();
  console.log(JSON.stringify(sent));
}

main(process.argv.slice(2));
