#!/usr/bin/env python3
"""A bot that acts once each time a live price crosses a threshold.

    python3 bot.py BTC-USDT --above 70000
    python3 bot.py BTC-USDT --below 60000 --run 'notify-send "BTC $TICKCAST_PRICE"'

Without --run it only says what it would do. What it may rely on, and what it must not:

- It acts when the price was seen on the near side of the threshold and then beyond it, and again
  only after the price has come back by --rearm-bps. At its first look it never acts.
- Only a price whose state is `live` counts, and a simulated one only with --simulated.
- Before it acts it asks the gateway `ping`. Answers come in order, so when the `pong` is here,
  everything older has been read, however far behind this program was (a full socket, a laptop
  that slept). Only if the price is still beyond the threshold then does it act.
- After a lost connection it comes back when the server asked it to, subscribes with `since`, and
  waits for `synced`. Older values than those it has, from a gateway that is behind, are dropped; until
  that gateway has caught up it does not act.

Needs `websockets` (10.4 or newer): pip install websockets. A key goes into TICKCAST_TOKEN.
"""

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import time
from decimal import Decimal

import websockets
import websockets.uri

LONGEST_WAIT_S = 30  # between two dials that fail
STABLE_S = 5  # a connection that lasted so long was a good one: waits begin anew
FRESH_S = 2  # a pong that took longer says too little about now
LARGEST_MESSAGE = 4 << 20  # bytes; a subscription's answer is far smaller
# Codes that say: do not come back unless something is changed. So do 4500 to 4999.
FINAL_CODES = {1000, 1002, 1003, 1007, 1008, 1009}
TOKEN_EXPIRED = 4003  # come back with a new token; this program has only the one
FINAL_STATUSES = {400, 401, 403, 404, 426}


class GiveUp(Exception):
    """Trying again would change nothing."""


def say(text):
    print(time.strftime("%H:%M:%S"), text, flush=True)


def clock():
    """Seconds that go on while the machine sleeps, where there is such a clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class Threshold:
    """Which side the price is on. Knows nothing of connections or time."""

    def __init__(self, level, above, rearm_bps):
        self.level, self.sign = level, 1 if above else -1
        self.margin = level * rearm_bps / 10_000
        self.armed = None  # no look yet: any price on the near side will do

    def is_beyond(self, price):
        """Whether the price has crossed. A price on the near side arms it."""
        distance = self.sign * (price - self.level)
        if distance < 0 and (self.armed is None or distance <= -self.margin):
            self.armed = True
        return bool(self.armed) and distance >= 0

    def spend(self):
        self.armed = False


class Bot:
    def __init__(self, args):
        self.args = args
        self.threshold = Threshold(args.level, args.above is not None, args.rearm_bps)
        self.ticker = None  # the newest value of the topic
        self.told = None  # the state that was last printed
        self.forget_connection()

    def forget_connection(self):
        self.synced = self.lagging = False
        self.behind = False  # whether this gateway has only an older value than we
        self.closing = None
        self.asked = None  # the id and time of the ping that precedes an action
        self.heard = clock()

    def is_usable(self):
        """Whether the newest value is the market's present price, as far as was read."""
        it = self.ticker
        if not self.synced or self.lagging or self.behind or it is None or it["state"] != "live":
            return False
        return it["last_price"] is not None and (self.args.simulated or not it["simulated"])

    def is_due(self):
        return self.is_usable() and self.threshold.is_beyond(Decimal(self.ticker["last_price"]))

    async def consider(self, ws):
        """Asks for a last confirmation when the threshold is crossed."""
        now = clock()
        if self.is_due() and (self.asked is None or now - self.asked[1] > FRESH_S):
            self.asked = (f"confirm-{now}", now)
            await ws.send(json.dumps({"op": "ping", "id": self.asked[0]}))

    def confirmed(self, answered):
        """The pong: everything that the server had sent before it has been read."""
        if self.asked is None or answered != self.asked[0]:
            return
        took = clock() - self.asked[1]
        self.asked = None
        if took > FRESH_S:  # it is asked again as long as the price is there
            say(f"the gateway took {took:.1f} s to answer: too late to act")
        elif self.is_due():
            self.threshold.spend()
            self.act()

    def act(self):
        it = self.ticker
        if self.args.run is None:
            return say(f"WOULD ACT: {it['topic']} at {it['last_price']} (dry run; --run COMMAND to act)")
        say(f"ACT: {it['topic']} at {it['last_price']}: {self.args.run}")
        # In a thread, so that reading goes on; Ctrl-C waits for its end.
        asyncio.get_running_loop().run_in_executor(None, run, self.args.run, it)

    def tell_state(self):
        it = self.ticker
        simulated = "" if not it["simulated"] else (
            " SIMULATED" if self.args.simulated else " SIMULATED, ignored (--simulated to use it)")
        state = it["state"] + simulated
        if state != self.told:
            self.told = state
            say(f"{it['topic']} is {state}, last price {it['last_price']}")

    def take(self, message):
        """One message. Types and keys that are not known are skipped: the protocol grows."""
        kind = message.get("type")
        if kind == "ticker":
            old, new = self.ticker, (message["epoch"], message["seq"])
            # An equal pair replaces: the same price in another state.
            if old is not None and new < (old["epoch"], old["seq"]):
                if not self.behind:
                    say("this gateway is behind: not acting until it has caught up")
                self.behind = True
                return
            self.ticker, self.behind = message, False
            self.tell_state()
        elif kind == "subscribed" and message["rejected"]:
            it = message["rejected"][0]
            # After a restart the feed may not have announced it yet.
            if self.ticker is None or it["code"] != "unknown_topic":
                raise GiveUp(f"{it['topic']}: {it['message']}")
            raise ConnectionError(f"{it['topic']}: {it['message']}")
        elif kind == "synced":
            self.synced = True
            say("up to date")
        elif kind == "lagging":
            self.lagging = message["active"]
            say("lagging: not acting until caught up" if self.lagging else "caught up")
        elif kind == "pong":
            self.confirmed(message["id"])
        elif kind == "closing":
            self.closing = message
        elif kind == "error":
            say(f"the server says: {message['code']}: {message['message']}")

    async def listen(self, ws):
        """Reads until the connection ends; silence ends it, too."""
        ask = {"op": "subscribe", "id": "s", "topics": [self.args.topic]}
        if self.ticker is not None and self.ticker["state"] == "live":
            it = self.ticker  # not sent again unless it has moved
            ask["since"] = {it["topic"]: {"epoch": it["epoch"], "seq": it["seq"]}}
        await ws.send(json.dumps(ask))
        pinged, reading = clock(), None
        try:
            while True:
                if clock() - pinged >= self.args.silence / 2:
                    await ws.send("ping")
                    pinged = clock()
                # Not `wait_for`: before Python 3.12 that may swallow the Ctrl-C that comes with a message.
                reading = reading or asyncio.ensure_future(ws.recv())
                await asyncio.wait([reading], timeout=self.args.silence / 4)
                if reading.done():
                    self.heard = clock()
                    text, reading = reading.result(), None
                    if text.startswith("{"):  # the answer to a bare ping is a bare pong
                        self.take(json.loads(text))
                    await self.consider(ws)
                elif clock() - self.heard > self.args.silence:
                    raise TimeoutError(f"nothing heard for {self.args.silence:g} s")
        finally:
            if reading is not None:
                reading.cancel()

    async def connect_once(self):
        """One connection, to its end. Returns how long the server asks us to stay away, or None."""
        self.forget_connection()
        protocols = ["tickcast.v1.json"]
        if os.environ.get("TICKCAST_TOKEN"):
            protocols.append("tickcast.bearer." + os.environ["TICKCAST_TOKEN"])
        try:
            # The library's own pings are off: the text `ping` does the same for any client.
            async with websockets.connect(self.args.url, subprotocols=protocols, ping_interval=None,
                                          open_timeout=min(10, self.args.silence), close_timeout=1,
                                          max_size=LARGEST_MESSAGE) as ws:
                say(f"connected to {self.args.url}")
                await self.listen(ws)
        except websockets.ConnectionClosed as closed:
            return self.after_close(closed)
        except websockets.InvalidURI as error:  # where a server sends us to
            raise GiveUp(str(error)) from None
        except websockets.InvalidHandshake as refused:
            return after_refusal(refused)
        except (OSError, TimeoutError, asyncio.TimeoutError, EOFError) as error:
            say(f"no connection to {self.args.url}: {error or 'timed out'}")

    def after_close(self, closed):
        frame = closed.rcvd
        code, reason = (frame.code, frame.reason) if frame else (1006, "cut off")
        closing = self.closing or {}
        if code in FINAL_CODES | {TOKEN_EXPIRED} or 4500 <= code <= 4999 or closing.get("reconnect") is False:
            raise GiveUp(f"closed with {code} {reason}")
        say(f"closed with {code} {reason}")
        asked = closing.get("reconnect_after_ms")
        return None if asked is None else asked / 1000

    async def run(self):
        failed = 0
        while True:
            began = clock()
            asked = await self.connect_once()
            failed = 0 if clock() - began >= STABLE_S else failed
            # Full jitter, so that clients that were cut off together come back apart. A server that
            # names a time has spread them already; only if that failed is more added.
            jitter = random.uniform(0, min(LONGEST_WAIT_S, 2**min(failed, 10)))
            wait = jitter if asked is None else asked + (jitter if failed else 0)
            failed += 1
            say(f"trying again in {wait:.1f} s")
            await asyncio.sleep(wait)


def after_refusal(refused):
    """HTTP instead of a WebSocket: from websockets 14 on it has a response, before that its parts."""
    response = getattr(refused, "response", refused)
    status = getattr(response, "status_code", None)
    if status in FINAL_STATUSES:
        raise GiveUp(f"refused with HTTP {status}")
    say(f"refused: {refused}")
    asked = getattr(response, "headers", {}).get("Retry-After", "")
    return int(asked) if asked.isdigit() else None


def run(command, ticker):
    """At most once: a command that fails is reported, not repeated."""
    environment = {**os.environ, "TICKCAST_TOPIC": ticker["topic"], "TICKCAST_PRICE": ticker["last_price"]}
    # In a session of its own, so that Ctrl-C does not cut it off half-way.
    ended = subprocess.run(command, shell=True, env=environment, start_new_session=True)
    if ended.returncode:
        say(f"the command failed with {ended.returncode}")


def price(text):
    try:
        number = Decimal(text)
    except ArithmeticError:
        number = Decimal(0)
    if not (number.is_finite() and number > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is no price")
    return number


def address(text):
    try:
        websockets.uri.parse_uri(text)
    except (websockets.InvalidURI, ValueError) as error:
        raise argparse.ArgumentTypeError(str(error))
    return text


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("topic", help="one topic, such as BTC-USDT or ticker:index:BTC-USDT")
    level = parser.add_mutually_exclusive_group(required=True)
    level.add_argument("--above", type=price, metavar="PRICE", help="act when the price rises to it")
    level.add_argument("--below", type=price, metavar="PRICE", help="act when the price falls to it")
    parser.add_argument("--rearm-bps", type=int, default=10, metavar="N",
                        help="how far the price must come back before it acts again (default: 10)")
    parser.add_argument("--run", metavar="COMMAND",
                        help="what to do, with TICKCAST_TOPIC and TICKCAST_PRICE set (default: dry run)")
    parser.add_argument("--simulated", action="store_true", help="simulated prices count, too")
    parser.add_argument("--url", type=address, default="ws://127.0.0.1:8080/ws", help="default: %(default)s")
    parser.add_argument("--silence", type=float, default=30, metavar="SECONDS",
                        help="reconnect when nothing came for so long (default: 30)")
    args = parser.parse_args()
    if "*" in args.topic or args.topic.startswith("kline:"):
        parser.error(f"one ticker, please: {args.topic} is not")
    if args.rearm_bps < 0:
        parser.error("--rearm-bps must be 0 or more")
    if not args.silence >= 1:
        parser.error("--silence must be 1 or more")
    args.level = args.above if args.above is not None else args.below
    return args


if __name__ == "__main__":
    try:
        asyncio.run(Bot(arguments()).run())
    except GiveUp as reason:
        sys.exit(f"bot: {reason}")
    except KeyboardInterrupt:
        pass
