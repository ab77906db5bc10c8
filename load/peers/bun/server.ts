// Bun's own WebSocket server (uWebSockets inside): publish by POST /pub?topic=a, subscribe by the
// message {"subscribe":"a"} on /sub. One process, one thread; all settings are Bun's defaults.
//
//   bun server.ts HOST PORT

const [hostname, port] = process.argv.slice(2);

Bun.serve({
  hostname,
  port: Number(port),
  async fetch(request, server) {
    const url = new URL(request.url);
    if (url.pathname === "/pub" && request.method === "POST") {
      // The server's own fan-out: one call, whatever the number of subscribers.
      server.publish(url.searchParams.get("topic") ?? "", await request.text());
      return new Response(null, { status: 204 });
    }
    if (url.pathname === "/sub") {
      if (server.upgrade(request)) return;
      return new Response("a WebSocket is wanted here", { status: 426 });
    }
    return new Response(null, { status: url.pathname === "/ready" ? 204 : 404 });
  },
  websocket: {
    message(socket, text) {
      const topic = JSON.parse(String(text)).subscribe;
      socket.subscribe(topic);
      socket.send(JSON.stringify({ subscribed: topic }));
    },
  },
});
