"""Rules of the reader of untrusted pickles. Needs numpy and nothing else. Run: python -m unittest -v test_pickle"""

import os
import pickle
import pickletools
import random
import struct
import tempfile
import unittest
from pathlib import Path

import numpy as np

from restricted_pickle import MAX_FILE_BYTES, RestrictedPickleError, load, loads

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


class Calls:
    """Pickles as a call of `function(*arguments)`."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def sample(rows=7):
    rng = np.random.default_rng(1)
    return {"position": rng.normal(size=(rows, 2)), "yaw": rng.normal(size=rows)}


class GoodFiles(unittest.TestCase):
    def check(self, data, expected):
        got = loads(data)
        self.assertEqual(set(got), set(expected))
        for key, value in expected.items():
            np.testing.assert_array_equal(got[key], value)
            self.assertEqual(got[key].shape, value.shape)

    def test_every_protocol_of_this_numpy_is_read(self):
        for protocol in PROTOCOLS:
            self.check(pickle.dumps(sample(), protocol), sample())

    def test_the_names_of_both_numpy_generations_are_read(self):
        # Protocol 0 names modules in plain lines, so that a name can be put in for another.
        text = pickle.dumps(sample(), 0)
        for generation in (b"numpy.core.", b"numpy._core."):
            self.check(text.replace(b"numpy._core.", b"numpy.core.").replace(b"numpy.core.", generation), sample())

    def test_columns_fortran_order_other_types_and_byte_orders_are_read(self):
        value = {
            "position": np.asfortranarray(np.arange(10, dtype=np.float32).reshape(5, 2)),
            "yaw": np.arange(5, dtype=">f8").reshape(5, 1),
            "stamp": np.arange(5),
        }
        for protocol in PROTOCOLS:
            self.check(pickle.dumps(value, protocol), value)

    def test_other_plain_values_beside_the_arrays_are_kept(self):
        value = {"name": "walk", "rate": 4.0, "n": 3, "flags": [True, None], "mean": np.float64(0.25)}
        for protocol in PROTOCOLS:
            self.assertEqual(loads(pickle.dumps(value, protocol)), value)

    def test_an_array_cannot_be_written_to(self):
        with self.assertRaises(ValueError):
            loads(pickle.dumps(sample()))["yaw"][0] = 1.0


class HostileFiles(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.sentinel = Path(self.folder.name) / "executed"

    def refused(self, data, word=""):
        with self.assertRaises(RestrictedPickleError) as caught:
            loads(data)
        self.assertIn(word, str(caught.exception))
        self.assertFalse(self.sentinel.exists(), "the pickle was executed")

    def attacks(self):
        """What an attacker would have called, and the word the refusal must tell."""
        yield Calls(os.system, f"touch {self.sentinel}"), "system"
        yield Calls(eval, f"open({str(self.sentinel)!r}, 'w')"), "eval"
        yield Calls(exec, f"open({str(self.sentinel)!r}, 'w')"), "exec"
        yield Calls(open, str(self.sentinel), "w"), "open"
        yield Calls(getattr, "text", "upper"), "getattr"
        yield Calls(np.fromfile, "/etc/passwd"), "fromfile"

    def test_calls_are_refused_by_name_in_every_protocol_and_place(self):
        for protocol in PROTOCOLS:
            for attack, word in self.attacks():
                with self.subTest(protocol=protocol, word=word):
                    self.refused(pickle.dumps(attack, protocol), word)
                    self.refused(pickle.dumps({"position": attack, "yaw": np.zeros(3)}, protocol), word)
                    self.refused(pickle.dumps({"position": [[({"a": attack},)]]}, protocol), word)
                    self.refused(pickle.dumps(Calls(np.dtype, attack), protocol), word)

    def test_the_attacks_of_this_test_would_work_on_the_real_reader(self):
        attack, _ = next(self.attacks())
        pickle.loads(pickle.dumps(attack))
        self.assertTrue(self.sentinel.exists())

    def test_names_next_to_the_allowed_ones_are_refused(self):
        for name in (
            b"numpy\nload", b"numpy.core.multiarray\nfromfile", b"numpy\nndarray.tofile", b"numpy.core.multiarray\n_reconstruct.__globals__",
            b"numpy.f2py.crackfortran\nmyeval", b"builtins\neval", b"__builtin__\neval", b"_codecs\ndecode", b"posix\nsystem", b"nt\nsystem",
        ):
            self.refused(b"c" + name + b"\n.", name.split(b"\n")[0].decode())

    def test_opcodes_that_make_objects_are_refused_by_name(self):
        touch = f"touch {self.sentinel}".encode()
        for data, word in (
            (b"(ios\nsystem\n" + b"S'" + touch + b"'\no.", "INST"),
            (b"(S'" + touch + b"'\nios\nsystem\n.", "INST"),
            (b"\x80\x02(X\x01\x00\x00\x00ao.", "OBJ"),
            (b"\x80\x02cnumpy\nndarray\n)\x81.", "NEWOBJ"),
            (b"\x80\x04cnumpy\nndarray\n)}\x92.", "NEWOBJ_EX"),
            (b"\x80\x02\x82\x01.", "EXT1"),
            (b"\x80\x02\x84\x01\x00\x00\x00.", "EXT4"),
            (b"Pname\n.", "PERSID"),
            (b"\x80\x02NQ.", "BINPERSID"),
            (b"\x80\x05\x97.", "NEXT_BUFFER"),
            (b"\x80\x04\x8f.", "EMPTY_SET"),
        ):
            self.refused(data, word)

    def test_an_allowed_name_cannot_be_called_with_anything_else(self):
        for data in (
            b"\x80\x02cnumpy\ndtype\nX\x01\x00\x00\x00O\x85R.",
            b"\x80\x02cnumpy\nndarray\n(K\xffK\xfftR.",
            b"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aX\x05\x00\x00\x00punyc\x86R.",
            b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\ndtype\nK\x00\x85C\x01b\x87R.",
            b"\x80\x02cnumpy\ndtype\n}b.",
        ):
            self.refused(data)

    def test_arrays_of_objects_and_records_are_refused(self):
        for value in (np.array([{}, []], dtype=object), np.zeros(3, dtype=[("a", "f8")]), np.array(["a"]), np.zeros(2, "M8[s]"), np.zeros(2, "V4")):
            for protocol in PROTOCOLS:
                self.refused(pickle.dumps({"position": value}, protocol))

    def test_a_claimed_size_takes_no_memory(self):
        good = pickle.dumps({"position": np.zeros((3, 2))}, 3)
        # Three rows become two thousand million.
        self.refused(good.replace(b"K\x03K\x02\x86", b"J\xff\xff\xff\x7fK\x02\x86"))
        self.refused(b"\x80\x03B\xff\xff\xff\xffabc.")
        self.refused(b"\x80\x04\x8e" + struct.pack("<Q", 1 << 62) + b"abc.")
        self.refused(b"\x80\x02\x8b\xff\xff\xff\x7fabc.")
        self.refused(b"I" + b"9" * 100_000 + b"\n.")
        self.refused(b"\x80\x02Nr\xff\xff\xff\xff0.", "POP")

    def test_a_memo_bomb_stays_small(self):
        # Each list holds the one before twice: 2 ** 200 items if anyone unfolded them.
        head, body = b"\x80\x02]q\x00", b"".join(b"]q%c(h%ch%ce" % (i + 1, i, i) for i in range(200))
        self.refused(head + body + b".", "no dict")
        wanted = b"\x80\x02}X\x01\x00\x00\x00a(]q\x00" + body + b"ts."
        self.assertEqual(list(loads(wanted)), ["a"])

    def test_deep_nesting_and_many_opcodes_end_in_an_error(self):
        self.refused(b"\x80\x02" + b"N" + b"\x85" * 1_000_000 + b".", "no dict")
        self.refused(b"\x80\x02" + b"N" * 3_000_000 + b".", "opcodes")

    def test_too_large_a_file_is_refused_before_it_is_parsed(self):
        self.refused(b"N" * (MAX_FILE_BYTES + 1), "bytes")

    def test_every_cut_is_an_error(self):
        for protocol in PROTOCOLS:
            data = pickle.dumps(sample(3), protocol)
            for length in range(len(data)):
                self.refused(data[:length])
            self.refused(data + b"x", "behind")

    def test_flipped_bytes_give_an_error_or_inert_values(self):
        rng = random.Random(5)
        for protocol in PROTOCOLS:
            data = pickle.dumps(sample(3), protocol)
            for _ in range(3000):
                hurt = bytearray(data)
                for _ in range(rng.choice((1, 1, 2, 8))):
                    hurt[rng.randrange(len(hurt))] = rng.randrange(256)
                try:
                    loads(bytes(hurt))
                except RestrictedPickleError:
                    pass

    def test_random_opcodes_give_an_error_or_inert_values(self):
        rng = random.Random(6)
        codes = [opcode.code.encode("latin-1") for opcode in pickletools.opcodes]
        words = codes + [b"numpy\ndtype\n", b"\x01", b"\x00\x00\x00\x00", b"f8", b"os\nsystem\n", b"1\n"]
        for _ in range(20_000):
            try:
                loads(b"".join(rng.choice(words) for _ in range(rng.randrange(1, 30))))
            except RestrictedPickleError:
                pass

    def test_a_pipe_in_place_of_a_file_does_not_block(self):
        path = Path(self.folder.name) / "traj_data.pkl"
        os.mkfifo(path)
        with self.assertRaisesRegex(RestrictedPickleError, "not a plain file"):
            load(path)


class Names(unittest.TestCase):
    def test_an_error_of_a_file_tells_the_file_and_the_byte(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "traj_data.pkl"
            path.write_bytes(pickle.dumps(Calls(os.system, "true"), 2))
            with self.assertRaisesRegex(RestrictedPickleError, r"traj_data.pkl: byte \d+: .*(posix|nt)\.system"):
                load(path)


if __name__ == "__main__":
    unittest.main()
