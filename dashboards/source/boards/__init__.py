"""One module for each board: a function that makes it for an edition."""

from boards.agent import agent
from boards.exporter import exporter
from boards.history import history
from boards.now import now
from boards.overview import overview
from boards.wall import wall

BOARDS = {"overview": overview, "now": now, "agent": agent, "history": history, "exporter": exporter, "wall": wall}
