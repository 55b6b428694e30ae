"""python3 weigh.py SOCKET ARTICLE GRAMS: as weigh.sh does, with nothing but the standard library."""

import http.client
import json
import pathlib
import socket
import sys
import tempfile
import time


class Agent(http.client.HTTPConnection):
    """HTTP over the socket of the agent."""

    def __init__(self, path):
        super().__init__("agent", timeout=90)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)

    def ask(self, method, path, body=None):
        """Gives the answer. What was answered with a 2xx is durable; all else is raised."""
        text = None if body is None else json.dumps(body)
        self.request(method, path, text, {"content-type": "application/json"})
        response = self.getresponse()
        answer = json.load(response)
        if response.status >= 300:
            error = answer["error"]
            raise RuntimeError(f"{error['code']}: {error['message']} {error['hint']}")
        return answer


def main(path, article, grams):
    agent = Agent(path)
    run = f"weigh-{article}"
    with tempfile.TemporaryDirectory() as folder:
        ticket = pathlib.Path(folder, "ticket")
        input = {"article": article, "ticket": str(ticket)}
        agent.ask("POST", "/v1/runs", {"workflow": "weighing", "id": run, "input": input})
        while not ticket.exists() or not ticket.read_text():
            time.sleep(0.1)
        token = ticket.read_text()
        agent.ask("POST", "/v1/complete", {"token": token, "result": grams})
    agent.ask("POST", "/v1/events", {"name": "scale.used", "payload": {"grams": grams}, "lane": "bulk"})
    print(json.dumps(agent.ask("GET", f"/v1/wait?run={run}&timeoutMs=60000")))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
