"""Reads the pickles of GNM data sets (`traj_data.pkl`: a dict of numpy arrays) without executing them.

A pickle is a program: `pickle.load` runs whatever it names. Nothing is run here. The opcodes are parsed by the standard
library's disassembler and interpreted on a stack of inert values; the few names that numpy's arrays need are recognised
as words, never imported or called; every other name and every other opcode is an error that says which and where.

What a file claims is checked against what it holds before memory is taken: an array is a view of bytes that are in the file.
"""

import io
import os
import pickletools
import stat
import struct

import numpy as np

# Half a million rows of three float64 in protocol 0 (text, escaped) stay below this.
MAX_FILE_BYTES = 64 << 20
MAX_OPCODES = 2_000_000
MAX_SHAPE = 4

# Names by which numpy 1 and 2 write arrays, dtypes and scalars, and what they mean here.
_NAMES = {
    ("numpy", "ndarray"): "ndarray",
    ("numpy", "dtype"): "dtype",
    ("_codecs", "encode"): "encode",
}
for _core in ("numpy.core", "numpy._core"):
    _NAMES[(_core + ".multiarray", "_reconstruct")] = "reconstruct"
    _NAMES[(_core + ".multiarray", "scalar")] = "scalar"
    _NAMES[(_core + ".numeric", "_frombuffer")] = "frombuffer"

_KINDS = {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"}
_ORDERS = {"<", ">", "|", "="}

_IGNORED = {"PROTO", "FRAME"}
_PUSH = {
    "BININT", "BININT1", "BININT2", "INT", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT",
    "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "UNICODE", "STRING", "BINSTRING", "SHORT_BINSTRING",
    "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8",
}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_FIXED_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


class RestrictedPickleError(ValueError):
    """The file is no pickle of plain arrays. Nothing of it was executed."""


class _Name:
    """A name the pickle mentions, recognised but not imported."""

    def __init__(self, meaning):
        self.meaning = meaning


class _Dtype:
    """A number type being described."""

    def __init__(self, code):
        self.code, self.order = code, "="

    def numpy(self):
        return np.dtype(self.order.replace("=", "<").replace("|", "<") + self.code)


class _Array:
    """An array being described; `value` once its bytes are known."""

    def __init__(self, value=None):
        self.value = value


_MARK = object()


def load(path):
    """The dict in the file at `path`: text keys; arrays as numpy arrays (read-only), other values as plain Python values."""
    # Opening a named pipe would block for ever.
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise RestrictedPickleError(f"{path}: not a plain file")
    with open(path, "rb") as file:
        data = file.read(MAX_FILE_BYTES + 1)
    try:
        return loads(data)
    except RestrictedPickleError as error:
        raise RestrictedPickleError(f"{path}: {error}") from None


def loads(data):
    """As `load`, of bytes."""
    if len(data) > MAX_FILE_BYTES:
        raise RestrictedPickleError(f"more than {MAX_FILE_BYTES} bytes")
    _encoded.clear()
    reader = _Reader()
    file = io.BytesIO(data)
    position = 0
    try:
        for count, (opcode, argument, position) in enumerate(pickletools.genops(file)):
            if count >= MAX_OPCODES:
                raise RestrictedPickleError(f"more than {MAX_OPCODES} opcodes")
            reader.step(opcode.name, argument)
    except RestrictedPickleError as error:
        raise RestrictedPickleError(f"byte {position}: {error}") from None
    except (ValueError, IndexError, KeyError, TypeError, UnicodeError, OverflowError, struct.error, MemoryError) as error:
        raise RestrictedPickleError(f"byte {position}: no whole pickle: {type(error).__name__}: {str(error)[:200]}") from None
    if file.tell() != len(data):
        raise RestrictedPickleError(f"{len(data) - file.tell()} bytes behind the pickle's end")
    return reader.result()


class _Reader:
    """The stack machine, without its hands."""

    def __init__(self):
        self.stack, self.memo = [], {}

    def step(self, name, argument):
        stack = self.stack
        if name in _IGNORED or name == "STOP":
            return
        if name in _PUSH:
            stack.append(argument)
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name == "MARK":
            stack.append(_MARK)
        elif name == "EMPTY_TUPLE":
            stack.append(())
        elif name == "EMPTY_LIST":
            stack.append([])
        elif name == "EMPTY_DICT":
            stack.append({})
        elif name in _FIXED_TUPLES:
            count = _FIXED_TUPLES[name]
            items = [self.pop() for _ in range(count)]
            stack.append(tuple(reversed(items)))
        elif name == "TUPLE":
            stack.append(tuple(self.pop_to_mark()))
        elif name == "LIST":
            stack.append(self.pop_to_mark())
        elif name == "DICT":
            items = self.pop_to_mark()
            stack.append({})
            self.set_items(items)
        elif name == "SETITEM":
            value, key = self.pop(), self.pop()
            self.set_items([key, value])
        elif name == "SETITEMS":
            self.set_items(self.pop_to_mark())
        elif name == "APPEND":
            self.extend([self.pop()])
        elif name == "APPENDS":
            self.extend(self.pop_to_mark())
        elif name in ("PUT", "BINPUT", "LONG_BINPUT"):
            self.memo[int(argument)] = self.top()
        elif name == "MEMOIZE":
            self.memo[len(self.memo)] = self.top()
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            if int(argument) not in self.memo:
                raise RestrictedPickleError(f"{name} of memo {int(argument)}, which is not there")
            stack.append(self.memo[int(argument)])
        elif name == "GLOBAL":
            module, _, word = argument.partition(" ")
            stack.append(named(module, word))
        elif name == "STACK_GLOBAL":
            word, module = self.pop(), self.pop()
            stack.append(named(module, word))
        elif name == "REDUCE":
            arguments, called = self.pop(), self.pop()
            stack.append(reduced(called, arguments))
        elif name == "BUILD":
            state = self.pop()
            build(self.top(), state)
        else:
            raise RestrictedPickleError(f"opcode {name} is not allowed in a data set")

    def top(self):
        if not self.stack or self.stack[-1] is _MARK:
            raise RestrictedPickleError("the stack is empty where a value is needed")
        return self.stack[-1]

    def pop(self):
        self.top()
        return self.stack.pop()

    def pop_to_mark(self):
        for at in range(len(self.stack) - 1, -1, -1):
            if self.stack[at] is _MARK:
                items = self.stack[at + 1 :]
                del self.stack[at:]
                return items
        raise RestrictedPickleError("no mark on the stack where one is needed")

    def set_items(self, items):
        target = self.top()
        if type(target) is not dict or len(items) % 2:
            raise RestrictedPickleError("items are set on what is no dict")
        for key, value in zip(items[::2], items[1::2]):
            if type(key) is not str:
                raise RestrictedPickleError(f"a key of type {type(key).__name__}; only text is allowed")
            target[key] = value

    def extend(self, items):
        target = self.top()
        if type(target) is not list:
            raise RestrictedPickleError("items are appended to what is no list")
        target.extend(items)

    def result(self):
        if len(self.stack) != 1 or type(self.stack[0]) is not dict:
            raise RestrictedPickleError("the pickle holds no dict")
        out = {}
        for key, value in self.stack[0].items():
            if type(value) is _Array:
                if value.value is None:
                    raise RestrictedPickleError(f"the array {key!r} was never given its numbers")
                value = value.value
            out[key] = value
        return out


def named(module, word):
    """The meaning of a name, or an error that tells it."""
    if type(module) is not str or type(word) is not str:
        raise RestrictedPickleError("a name that is no text")
    meaning = _NAMES.get((module, word))
    if meaning is None:
        raise RestrictedPickleError(
            f"it names {module[:80]}.{word[:80]}, which a data set has no use for; nothing was executed. Do not open this file with pickle.load"
        )
    return _Name(meaning)


# Texts of the file being read and their bytes: one asked for again and again must not be copied again and again.
_encoded = {}


def _latin1(text):
    """The bytes of a text, once for each text."""
    if id(text) not in _encoded:
        # The text is kept too, so that its identity stays its own.
        _encoded[id(text)] = (text, text.encode("latin-1"))
    return _encoded[id(text)][1]


def reduced(called, arguments):
    """What the call of a recognised name stands for."""
    if type(called) is not _Name or type(arguments) is not tuple:
        raise RestrictedPickleError("a call of something that is no name")
    meaning, count = called.meaning, len(arguments)
    if meaning == "dtype" and count in (1, 3):
        code = arguments[0]
        if type(code) is not str or code not in _KINDS:
            kind = code[:20] if type(code) is str else type(code).__name__
            raise RestrictedPickleError(f"an array of type {kind!r}; only plain numbers are read")
        return _Dtype(code)
    if meaning == "reconstruct" and count == 3:
        # (ndarray, (0,), b"b"): an empty array that BUILD fills.
        if type(arguments[0]) is _Name and arguments[0].meaning == "ndarray":
            return _Array()
    if meaning == "encode" and count == 2:
        # Bytes in the protocols before 3.
        text, codec = arguments
        if type(text) is str and codec in ("latin1", "latin-1"):
            return _latin1(text)
    if meaning == "scalar" and count == 2 and type(arguments[0]) is _Dtype:
        return array(arguments[0], (), arguments[1], False)[()].item()
    if meaning == "frombuffer" and count == 4 and type(arguments[1]) is _Dtype and arguments[3] in ("C", "F"):
        return _Array(array(arguments[1], arguments[2], arguments[0], arguments[3] == "F"))
    raise RestrictedPickleError(f"a call of {meaning} that numpy's own pickles do not make")


def build(target, state):
    """What BUILD tells a described array or type."""
    if type(state) is not tuple:
        raise RestrictedPickleError("BUILD with a state that is no tuple")
    if type(target) is _Dtype and len(state) in (8, 9):
        # (3, order, subtype, names, fields, itemsize, alignment, flags): a plain number has none of the middle ones.
        if state[1] not in _ORDERS or any(part is not None for part in state[2:5]) or type(state[1]) is not str:
            raise RestrictedPickleError("a number type that is not plain")
        target.order = state[1]
        return
    if type(target) is _Array and target.value is None and len(state) in (4, 5):
        shape, kind, fortran, data = state[-4:]
        if type(kind) is not _Dtype or type(fortran) not in (bool, int):
            raise RestrictedPickleError("an array whose type is not a plain number's")
        target.value = array(kind, shape, data, bool(fortran))
        return
    raise RestrictedPickleError("BUILD of something that is no numpy array")


def array(kind, shape, data, fortran):
    """A read-only view of `data`; every size is checked first."""
    if type(data) is str:
        # Python 2 wrote bytes as text.
        data = _latin1(data)
    if type(data) not in (bytes, bytearray):
        raise RestrictedPickleError("an array without plain bytes")
    if type(shape) is not tuple or len(shape) > MAX_SHAPE or not all(type(n) is int and 0 <= n <= MAX_FILE_BYTES for n in shape):
        raise RestrictedPickleError("an array's shape that is none")
    kind = kind.numpy()
    needed = kind.itemsize
    for side in shape:
        needed *= side
    if needed != len(data):
        raise RestrictedPickleError(f"an array of shape {shape} needs {needed} bytes, the file has {len(data)} for it")
    view = np.frombuffer(data, kind).reshape(shape, order="F" if fortran else "C")
    view.flags.writeable = False
    return view
