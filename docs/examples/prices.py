#!/usr/bin/env python3
"""Prices as lines, until Ctrl-C: one connection, nothing but the protocol.

    python3 prices.py                            # BTC-USDT
    python3 prices.py 'ticker:*:ETH-USDT' --url wss://prices.example/ws

Needs `websockets` (10.4 or newer): pip install websockets. It ends when the connection does; bot.py
shows how to come back.
"""

import argparse
import asyncio
import json
import sys

import websockets


async def main(url, topics):
    async with websockets.connect(url) as ws:
        # At most four lines a second for each topic, always the newest.
        await ws.send(json.dumps({"op": "subscribe", "id": 1, "topics": topics, "interval_ms": 250}))
        async for text in ws:
            message = json.loads(text)
            if message["type"] == "ticker":
                # Only a `live` price is the market's present one; null: none yet.
                price = message["last_price"] or "-"
                simulated = " SIMULATED" if message["simulated"] else ""
                print(f"{message['topic']:28} {price:>14} {message['state']}{simulated}", flush=True)
            elif message["type"] == "subscribed":
                for it in message["rejected"]:
                    print(f"{it['topic']}: {it['message']}", file=sys.stderr)
                if not message["topics"] and not message["patterns"]:
                    sys.exit("no topic was accepted")
            elif message["type"] == "closing":
                print(f"the server closes: {message['reason']}", file=sys.stderr)
    sys.exit("the connection ended")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Prices of a Tickcast gateway as lines.")
    parser.add_argument("topics", nargs="*", default=["BTC-USDT"], help="default: BTC-USDT")
    parser.add_argument("--url", default="ws://127.0.0.1:8080/ws", help="default: %(default)s")
    args = parser.parse_args()
    try:
        asyncio.run(main(args.url, args.topics))
    except (OSError, asyncio.TimeoutError, websockets.WebSocketException) as error:
        sys.exit(f"no connection to {args.url}: {error}")
    except KeyboardInterrupt:
        pass
