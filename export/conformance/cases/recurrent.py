"""Recurrent layers over whole sequences."""

from __future__ import annotations

from keras import layers as L

from export.conformance.cases import Case

_SEQUENCE, _LONG = ((12, 16),), ((100, 16),)
_PLANES = ((4, 6, 5, 3),)

CASES = [
    Case("SimpleRNN", "", L.SimpleRNN(32), _SEQUENCE, steps=12),
    Case("SimpleRNN", "sequences", L.SimpleRNN(32, return_sequences=True), _SEQUENCE, steps=12),
    Case("LSTM", "", L.LSTM(16), _SEQUENCE, steps=12),
    Case("LSTM", "sequences", L.LSTM(16, return_sequences=True), _SEQUENCE, steps=12),
    Case("LSTM", "backwards", L.LSTM(16, go_backwards=True), _SEQUENCE, steps=12),
    Case("LSTM", "no bias", L.LSTM(16, use_bias=False), _SEQUENCE, steps=12),
    Case(
        "LSTM",
        "relu, hard_sigmoid",
        L.LSTM(16, activation="relu", recurrent_activation="hard_sigmoid"),
        _SEQUENCE,
        steps=12,
    ),
    Case("LSTM", "100 steps", L.LSTM(16), _LONG, steps=100),
    Case("LSTM", "unrolled", L.LSTM(16, unroll=True), _SEQUENCE),
    Case("LSTM", "stacked", lambda x: L.LSTM(12)(L.LSTM(16, return_sequences=True)(x)), _SEQUENCE, steps=12),
    Case("LSTM", "masked", lambda x: L.LSTM(16)(L.Masking()(x)), _SEQUENCE, "masked", steps=12),
    Case("LSTM", "dropout", L.LSTM(16, dropout=0.2, recurrent_dropout=0.2), _SEQUENCE, steps=12),
    Case("GRU", "", L.GRU(24), _SEQUENCE, steps=12),
    Case("GRU", "reset before", L.GRU(24, reset_after=False), _SEQUENCE, steps=12),
    Case("GRU", "sequences", L.GRU(24, return_sequences=True), _SEQUENCE, steps=12),
    Case("GRU", "backwards", L.GRU(24, go_backwards=True), _SEQUENCE, steps=12),
    Case("GRU", "100 steps", L.GRU(16), _LONG, steps=100),
    Case("GRU", "stacked", lambda x: L.GRU(12)(L.GRU(24, return_sequences=True)(x)), _SEQUENCE, steps=12),
    Case("GRU", "masked", lambda x: L.GRU(24)(L.Masking()(x)), _SEQUENCE, "masked", steps=12),
    Case("Bidirectional", "LSTM", L.Bidirectional(L.LSTM(16)), _SEQUENCE, steps=12),
    Case(
        "Bidirectional",
        "LSTM, sequences, sum",
        L.Bidirectional(L.LSTM(16, return_sequences=True), merge_mode="sum"),
        _SEQUENCE,
        steps=12,
    ),
    Case("Bidirectional", "GRU", L.Bidirectional(L.GRU(24)), _SEQUENCE, steps=12),
    Case("TimeDistributed", "Dense", L.TimeDistributed(L.Dense(64)), _SEQUENCE),
    Case("TimeDistributed", "Conv2D", L.TimeDistributed(L.Conv2D(4, 3)), _PLANES),
    Case("RNN", "LSTMCell", lambda x: L.RNN(L.LSTMCell(16))(x), _SEQUENCE, steps=12),
    Case("LSTMCell", "", lambda x: L.RNN(L.LSTMCell(16), return_sequences=True)(x), _SEQUENCE, steps=12),
    Case("GRUCell", "", lambda x: L.RNN(L.GRUCell(24))(x), _SEQUENCE, steps=12),
    Case("SimpleRNNCell", "", lambda x: L.RNN(L.SimpleRNNCell(32))(x), _SEQUENCE, steps=12),
    Case(
        "StackedRNNCells",
        "",
        lambda x: L.RNN(L.StackedRNNCells([L.GRUCell(24), L.LSTMCell(12)]))(x),
        _SEQUENCE,
        steps=12,
    ),
    Case("ConvLSTM1D", "", L.ConvLSTM1D(4, 3, padding="same"), ((4, 8, 3),)),
    Case("ConvLSTM2D", "", L.ConvLSTM2D(4, 3, padding="same"), _PLANES),
    Case("ConvLSTM2D", "sequences", L.ConvLSTM2D(4, 3, return_sequences=True), _PLANES),
    Case("ConvLSTM3D", "", L.ConvLSTM3D(2, 2, padding="same"), ((3, 4, 4, 3, 2),)),
]
