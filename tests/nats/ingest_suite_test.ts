/** The suite of ingest over a real NATS server. */
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { type ErrorCode, TransporterError } from "@transporter/sdk";
import {
  openNatsConsumer,
  openNatsPublisher,
} from "@transporter/sdk/nats-ingest";
import { testIngest } from "@transporter/sdk/testing";
import { NatsServer } from "./server.ts";

testIngest("NATS ingest", async () => {
  const server = await NatsServer.start();
  const url = new URL(server.url);
  const { signal } = new AbortController();
  const opened = new AsyncDisposableStack();
  const options = { signal, tenant: "default" };
  await using _first = await openNatsConsumer(url, options); // makes the streams
  return {
    publisher: async () => opened.use(await openNatsPublisher(url, options)),
    consumer: async () => opened.use(await openNatsConsumer(url, options)),
    async quarantined() {
      const connection = await connect({ servers: server.host });
      opened.defer(() => connection.close());
      const manager = await jetstreamManager(connection);
      const name = "TP_default_QUARANTINE";
      const { state } = await manager.streams.info(name);
      const found = [];
      for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
        const message = await manager.streams.getMessage(name, { seq });
        if (message === null) throw new RangeError(`No message ${seq}`);
        const headers = Object.fromEntries(
          [...message.header].map(([key, [value = ""]]) => [key, value]),
        );
        const {
          "Transporter-Key": key = "",
          "Transporter-Code": code = "",
          "Transporter-Message": text = "",
          ...rest
        } = headers;
        found.push({
          key,
          headers: rest,
          data: message.data,
          error: new TransporterError(code as ErrorCode, text).toJSON(),
        });
      }
      return found;
    },
    crash: () => server.crash(),
    recover: () => server.restart(),
    async dispose() {
      await opened.disposeAsync();
      await server[Symbol.asyncDispose]();
    },
  };
});
