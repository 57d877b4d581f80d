"""Mail that arrived, as the specs find it: N.eml, the bytes as they came, and N.lua, the envelope."""
import os
import threading

import luatable


class Keeper:
    def __init__(self, folder):
        self.folder = folder
        self.count = 0
        self.lock = threading.Lock()

    def keep(self, content, envelope):
        """The name under which it is kept."""
        with self.lock:
            self.count += 1
            name = "%06d" % self.count
        path = os.path.join(self.folder, name)
        with open(path + ".lua", "w") as f:
            f.write(luatable.chunk(envelope))
        # The reader looks for this one, so it comes last and whole.
        with open(path + ".part", "wb") as f:
            f.write(content)
        os.rename(path + ".part", path + ".eml")
        return name
