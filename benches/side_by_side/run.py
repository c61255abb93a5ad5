#!/usr/bin/env python3
"""Measures what a scrape costs, side by side in one run: this exporter, nginx serving the same bytes
as static files, and a Go program with client_golang's const metrics; and this exporter with all six endpoints
beside itself with the first alone.

Each is loaded alike on loopback, in turns, several times over; the medians and their ratios are
printed as the table of benches/README.md. Needs root and apt for nginx, wrk and Go, or finds them installed.

    cargo build --release --locked && benches/side_by_side/run.py [--agents 100,1000,10000,50000]
"""

import argparse
import atexit
import gzip
import json
import os
import pathlib
import random
import re
import shutil
import socket
import statistics
import subprocess
import tempfile
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
# Where Debian puts Go's packages.
GO_PATH = pathlib.Path("/usr/share/gocode")
TICKS = os.sysconf("SC_CLK_TCK")
# As Prometheus 2.53 asks.
ACCEPT = ("application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,"
          "text/plain;version=0.0.4;q=0.3,*/*;q=0.2")
FIELDS = """FreeTime BusyTime RestTime TotalSessionCnt TransferSessionCnt EffectiveSessionCnt AgentEndCnt
    ServeUserCnt TotalAcceptTime TotalMsgCnt AgentMsgCnt UserMsgCnt NotRespSessionCnt AvgFirstRespTime
    FirstRespUnder30sCnt AvgRespTime AvgRespUnder30sCnt AvgAcceptTime SatisfactionSelectedCnt
    SatisfiedCnt FirstLoginTimestamp LastLogoutTimestamp""".split()


def need(is_there, packages):
    """Installs what is missing, where that may be done."""
    if is_there:
        return
    subprocess.run(["apt-get", "install", "-y", "--no-install-recommends", *packages.split()],
                   check=True, stdout=subprocess.DEVNULL)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def further(count, number):
    """What the five further endpoints say, of as many agents in twenty groups, on page `number`."""
    numbers = range(number * 100, min(count, number * 100 + 100))
    sessions = {field: 97 for field in """TotalSessionCnt TransferAgentSessionCnt AgentAcceptCnt EffectiveSessionCnt
        SatisfactionSelectedCnt OneStarSelectedCnt TwoStarSelectedCnt ThreeStarSelectedCnt FourStarSelectedCnt
        FiveStarSelectedCnt AvgFirstRespTime AvgRespTime AvgAcceptTime AvgQueueTime""".split()}
    return {
        "describe_reception_realtime_statistics": {"Data": {
            "CurrentTransferAgentCnt": 15, "CurrentAgentAcceptCnt": 13, "CurrentQueueCnt": 2, "FreeAgentCnt": 10,
            "RestAgentCnt": 2, "BusyAgentCnt": 3, "CurrentGroupQueueCnt": [
                {"GroupId": group, "GroupName": f"Group {group}", "QueueCnt": group % 3} for group in range(20)]}},
        "describe_member_realtime_statistics": {"TotalCount": count, "Data": [
            {"MemberId": f"agent-{n:05}@desk.example", "MemberNickName": f"客服 {n}", "MemberStatus": n % 3 + 1,
             "CurrentAcceptCnt": n % 6, "TotalSessionCnt": n % 90 + 1, "AvgFirstRespTime": n % 40, "AvgRespTime": n % 60,
             "AvgAcceptTime": n % 900} for n in numbers]},
        "describe_session_statistics": {"TotalCount": 24, "Data": [
            {"Time": f"{hour:02}:00", **sessions} for hour in range(24)]},
        "get_member_list": {"Total": count, "MemberList": [
            {"NickName": f"客服 {n}", "MemberMail": f"agent-{n:05}@desk.example", "RoleIDList": [5],
             "MemberGroupIDList": [n % 20, (n + 7) % 20], "Avatar": "", "MemberReceptionLimit": 5,
             "MemberReceptionLimitEnabled": 0, "EffectiveReceptionLimit": n % 9 + 1} for n in numbers]},
        "get_member_group_list": {"Total": 20, "MemberGroupList": [
            {"MemberGroupID": group, "MemberGroupName": f"Group {group}", "ReceptionLimit": 5, "GroupMemberCount": 9}
            for group in range(20)]},
    }


def page_of(asked):
    """The page that a request to a further endpoint is about, counted from 0."""
    return asked.get("Offset", 0) // 100 or asked.get("PageNum", 0) or asked.get("PageNumber", 1) - 1


def desk(count, order="by id"):
    """A Desk that checks nothing and has its answers ready: it is not what is measured."""
    rows = []
    for number in range(count):
        row = {field: (number * 7919 + index * 104729) % 5000 + 1 for index, field in enumerate(FIELDS)}
        row.update(AgentId=f"agent-{number:05}@desk.example", AgentNickName=f"客服 {number}",
                   SatisfactionSelectedCnt=97, SatisfiedCnt=number % 98)
        rows.append(row)
    if order != "by id":
        random.Random(count).shuffle(rows)
    pages = {offset: json.dumps({"ErrorCode": 0, "TotalCount": count, "Data": rows[offset:offset + 100]}).encode()
             for offset in range(0, count + 100, 100)}
    others = [{command: json.dumps({"ErrorCode": 0, **answer}).encode()
               for command, answer in further(count, number).items()} for number in range(count // 100 + 2)]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 20

        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            command = self.path.split("?")[0].rsplit("/", 1)[1]
            if command == "describe_agent_statistics":
                server.polls += asked["Offset"] == 0
                body = pages[asked["Offset"]]
            else:
                body = others[page_of(asked)][command]
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.polls = 0
    # An exporter that is stopped breaks its connections, which is no news.
    server.handle_error = lambda *_: None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class Server:
    """A process under load, and what the kernel says of it and its children."""

    def __init__(self, url, command, env=None):
        self.url = url
        self.process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        atexit.register(self.stop)

    def pids(self):
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [self.process.pid, *map(int, children.split())]

    def cpu(self):
        """Seconds so far: in the program, and in the kernel for it."""
        stats = [pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split() for pid in self.pids()]
        return sum(int(stat[11]) for stat in stats) / TICKS, sum(int(stat[12]) for stat in stats) / TICKS

    def peak(self):
        texts = (pathlib.Path(f"/proc/{pid}/status").read_text() for pid in self.pids())
        return sum(int(re.search(r"VmHWM:\s+(\d+)", text).group(1)) for text in texts) / 1024

    def get(self, coding):
        request = urllib.request.Request(self.url, headers={"Accept": ACCEPT, "Accept-Encoding": coding})
        return urllib.request.urlopen(request, timeout=30).read()

    def wait(self, text):
        for _ in range(1200):
            try:
                if text in self.get("identity"):
                    return self
            except OSError:
                pass
            time.sleep(0.1)
        raise SystemExit(f"{self.url} does not come up")

    def stop(self):
        self.process.terminate()
        self.process.wait()


def load(server, coding, seconds):
    """CPU microseconds a scrape, and the median latency."""
    started = time.monotonic()
    server.get(coding)
    is_slow = time.monotonic() - started > seconds / 10
    before = sum(server.cpu())
    count, latency = (one_by_one if is_slow else with_wrk)(server, coding, seconds)
    return (sum(server.cpu()) - before) / count * 1e6, latency


def with_wrk(server, coding, seconds):
    done = subprocess.run(
        ["wrk", "-t1", "-c2", f"-d{seconds}s", "--latency", "-H", f"Accept: {ACCEPT}",
         "-H", f"Accept-Encoding: {coding}", server.url],
        capture_output=True, text=True, check=True).stdout
    count = int(re.search(r"(\d+) requests in", done).group(1))
    return count, re.search(r"^\s+50%\s+(\S+)", done, re.M).group(1)


def one_by_one(server, coding, _):
    """For a server that answers no more than a few times a second."""
    took = []
    for _ in range(3):
        started = time.monotonic()
        server.get(coding)
        took.append(time.monotonic() - started)
    return len(took), f"{statistics.median(took):.2f}s"


def exporter(binary, fake, count, interval="1h", endpoints="describe_agent_statistics"):
    port = free_port()
    env = {"TENCENT_DESK_SDK_APP_ID": "1400000000", "TENCENT_DESK_SECRET_KEY": "not-used-by-this-Desk",
           "TENCENT_DESK_ENDPOINT": f"http://127.0.0.1:{fake.server_port}",
           "TENCENT_DESK_ENDPOINTS": endpoints, "TENCENT_DESK_REALTIME_INTERVAL": interval,
           "TENCENT_DESK_DIRECTORY_INTERVAL": interval, "TENCENT_DESK_POLL_INTERVAL": interval, "TENCENT_DESK_REQUESTS_PER_SECOND": "1000",
           "TENCENT_DESK_LISTEN_ADDRESS": f"127.0.0.1:{port}"}
    server = Server(f"http://127.0.0.1:{port}/metrics", [str(binary)], env)
    wanted = [f"exporter_agents {count}\n".encode()]
    if endpoints == "all":
        wanted += [b"agent_current_sessions{", b"hour_sessions{", b"agent_reception_limit{", b"group_members{"]
    for _ in range(1200):
        try:
            page = gzip.decompress(server.get("gzip"))
            if all(text in page for text in wanted):
                return server
        except OSError:
            pass
        time.sleep(0.1)
    raise SystemExit("the exporter does not come up")


def nginx(directory, plain, packed, sendfile):
    """The best static file server that we know, in both of its ways to send one."""
    port = free_port()
    directory.mkdir()
    (directory / "metrics").write_bytes(plain)
    (directory / "metrics.gz").write_bytes(packed)
    config = directory / "nginx.conf"
    config.write_text(f"""daemon off; worker_processes 1; pid {directory}/pid; error_log /dev/null;
        events {{ }} http {{ access_log off; sendfile {sendfile}; tcp_nopush on; keepalive_requests 1000000000;
        server {{ listen 127.0.0.1:{port}; root {directory}; gzip_static on; }} }}""")
    directory.chmod(0o755)
    return Server(f"http://127.0.0.1:{port}/metrics", ["nginx", "-c", str(config)]).wait(b"# EOF")


def client_golang(binary, count):
    port = free_port()
    command = [str(binary), f"-agents={count}", f"-address=127.0.0.1:{port}"]
    return Server(f"http://127.0.0.1:{port}/metrics", command).wait(b"# EOF")


def built_go(directory):
    binary = directory / "with_client_golang"
    env = dict(os.environ, GO111MODULE="off", GOPATH=str(GO_PATH), GOFLAGS="",
               GOCACHE=str(directory / "go-cache"))
    subprocess.run(["go", "build", "-o", str(binary), str(HERE / "main.go")], env=env, check=True)
    return binary



def poll(count, order, arguments):
    """CPU microseconds an agent and poll, all in, and the peak of memory, scraped as a Prometheus does."""
    fake = desk(count, order)
    ours = exporter(arguments.binary, fake, count, interval="1s")
    # The kernel counts in hundredths of a second: few agents need many polls to show.
    enough = 60 if count <= 1000 else 20
    first, before = fake.polls, ours.cpu()
    while fake.polls < first + enough:
        time.sleep(0.7)
        ours.get("gzip")
    per_agent = 1e6 / (fake.polls - first) / count
    program, kernel = ((after - before) * per_agent for before, after in zip(before, ours.cpu()))
    print(f"| {count:,} | {order} | {program + kernel:.1f} µs | {kernel:.1f} µs | {ours.peak():.0f} MiB |", flush=True)
    ours.stop()
    fake.shutdown()


def measure(count, go, arguments):
    """The rows of the table for one number of agents."""
    fake = desk(count)
    with tempfile.TemporaryDirectory() as name:
        ours = exporter(arguments.binary, fake, count)
        packed = ours.get("gzip")
        peak = {"this exporter": ours.peak()}
        plain = gzip.decompress(packed)
        directory = pathlib.Path(name)
        directory.chmod(0o755)
        servers = {"this exporter": ours,
                   "nginx, sendfile off": nginx(directory / "off", plain, packed, "off"),
                   "nginx, sendfile on": nginx(directory / "on", plain, packed, "on"),
                   "client_golang": client_golang(go, count)}
        for coding in ("gzip", "identity"):
            cost = {who: [] for who in servers}
            latency = {}
            for _ in range(arguments.rounds):
                for who, server in servers.items():
                    cpu, latency[who] = load(server, coding, arguments.seconds)
                    cost[who].append(cpu)
            cost = {who: statistics.median(figures) for who, figures in cost.items()}
            for who, server in servers.items():
                memory = peak.get(who, server.peak()) if coding == "gzip" else server.peak()
                ratio = cost[who] / min(cost["nginx, sendfile off"], cost["nginx, sendfile on"])
                print(f"| {count:,} | {coding} | {who} | {cost[who]:,.0f} µs | {ratio:,.2f} | "
                      f"{latency[who]} | {memory:,.0f} MiB |", flush=True)
        for server in servers.values():
            server.stop()
    fake.shutdown()


def six(count, arguments):
    """What six endpoints cost beside the first alone: a scrape, for each of its bytes too, and memory."""
    fake = desk(count)
    servers = {"the first endpoint": exporter(arguments.binary, fake, count),
               "all six": exporter(arguments.binary, fake, count, endpoints="all")}
    peak = {who: server.peak() for who, server in servers.items()}
    for coding in ("gzip", "identity"):
        size = {who: len(server.get(coding)) for who, server in servers.items()}
        cost = {who: [] for who in servers}
        for _ in range(arguments.rounds):
            for who, server in servers.items():
                cost[who].append(load(server, coding, arguments.seconds)[0])
        cost = {who: statistics.median(figures) for who, figures in cost.items()}
        first = cost["the first endpoint"] / size["the first endpoint"]
        for who in servers:
            print(f"| {count:,} | {coding} | {who} | {size[who] / 1000:,.0f} kB | {cost[who]:,.0f} µs | "
                  f"{cost[who] / size[who] / first:.2f} | {peak[who]:,.0f} MiB |", flush=True)
    for server in servers.values():
        server.stop()
    fake.shutdown()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agents", default="100,1000,10000,50000")
    parser.add_argument("--binary", default=ROOT / "target/release/tencent-desk-exporter")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    arguments = parser.parse_args()
    need(shutil.which("wrk"), "wrk")
    need(shutil.which("nginx"), "nginx-light")
    need(shutil.which("go") and (GO_PATH / "src/github.com/prometheus/client_golang").exists(),
         "golang-go golang-github-prometheus-client-golang-dev")
    counts = [int(count) for count in arguments.agents.split(",")]
    print("| agents | given | CPU an agent and poll | of it in the kernel | peak memory |\n|---|---|---|---|---|")
    for count in counts:
        for order in ("by id", "in any order"):
            poll(count, order, arguments)
    print("\n| agents | coding | endpoints | bytes | CPU a scrape | for each byte | peak memory |\n|---|---|---|---|---|---|---|")
    for count in counts:
        six(count, arguments)
    with tempfile.TemporaryDirectory() as directory:
        go = built_go(pathlib.Path(directory))
        print("\n| agents | coding | server | CPU a scrape | against the better nginx | median latency | peak memory |")
        print("|---|---|---|---|---|---|---|")
        for count in counts:
            measure(count, go, arguments)


if __name__ == "__main__":
    main()
