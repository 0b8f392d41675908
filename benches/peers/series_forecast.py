"""Forecasts seasonal series by averages of exponential smoothing and ridge regressions.

A reference in numpy for what is left to gain beside the recurrent model. Seasons are found by the
variance that a season explains and by autocorrelation. Four variants of additive exponential
smoothing with an autoregressive error (Hyndman et al., "Forecasting with Exponential Smoothing",
2008) are inputs of a ridge regression for each step. Weights are chosen on the last rows before the
test set. `python series_forecast.py DIR` prints MASE for the series of DIR/meta.json, one step and a
season ahead. numba, if it is installed, makes it fast.
"""

import math, numpy as np

try:
    from numba import njit
except ImportError:

    def njit(*a, **k):
        if a and callable(a[0]):
            return a[0]
        return lambda f: f


J = dict(cache=True, fastmath=False)


# ---------------------------------------------------------------- seasons
def calendar(step):
    """Candidate seasons of a constant step in seconds (or 'M','Q','Y')."""
    if step is None:
        return []
    if step == "M":
        return [12]
    if step == "Q":
        return [4]
    if step == "Y":
        return []
    D = 86400.0
    c = []
    for unit in (60.0, 3600.0, D, 7 * D, 365.25 * D):
        p = unit / step
        r = int(round(p))
        if r >= 2 and (abs(p - r) < 1e-6 or (unit > 300 * D and step >= D)):
            c.append(r)
    if D * 27 < step < D * 32:
        c = [12]
    if D * 88 < step < D * 93:
        c = [4]
    return c


@njit(**J)
def cma(x, p):
    """Centred moving average of p rows; ends are nan."""
    n = len(x)
    out = np.full(n, np.nan)
    h = p // 2
    c = np.zeros(n + 1)
    for i in range(n):
        c[i + 1] = c[i] + x[i]
    for t in range(h, n - h):
        if p % 2:
            out[t] = (c[t + h + 1] - c[t - h]) / p
        else:
            out[t] = (c[t + h] - c[t - h + 1] + 0.5 * (x[t - h] + x[t + h])) / p
    return out


@njit(**J)
def season_r2(x, p):
    """Share of variance around the centred average of p rows which the mean of the same phase in earlier cycles (shrunk) predicts, and the share of
    later cycles where it helps."""
    n = len(x)
    tr = cma(x, p)
    h = p // 2
    a, b = h, n - h
    m = b - a
    if m < 2 * p - 1 and m < p + max(2, p // 2):
        return -1.0, 0.0
    z = x - tr
    num = 0.0
    den = 0.0
    pos = 0
    cyc = 0
    cn = 0.0
    cd = 0.0
    s = np.zeros(p)
    c = np.zeros(p)
    for t in range(a, b):
        q = (t - a) % p
        if t - a >= p:
            w = c[q] / (c[q] + 1.0)
            f = w * s[q] / c[q]
            e = z[t] - f
            num += e * e
            den += z[t] * z[t]
            cn += e * e
            cd += z[t] * z[t]
            if q == p - 1:
                cyc += 1
                if cn < cd:
                    pos += 1
                cn = 0.0
                cd = 0.0
        s[q] += z[t]
        c[q] += 1.0
    if den <= 0:
        return -1.0, 0.0
    return 1 - num / den, (pos / cyc if cyc else 1.0)


@njit(**J)
def acf(x, maxlag):
    n = len(x)
    m = 0.0
    for i in range(n):
        m += x[i]
    m /= n
    v = 0.0
    for i in range(n):
        v += (x[i] - m) ** 2
    r = np.zeros(maxlag + 1)
    if v <= 0:
        return r
    for k in range(maxlag + 1):
        s = 0.0
        for i in range(k, n):
            s += (x[i] - m) * (x[i - k] - m)
        r[k] = s / v
    return r


def profile(x, p):
    """Mean of each phase (t mod p) of x minus its centred average; mean zero."""
    z = x - cma(x, p)
    n = len(x)
    s = np.zeros(p)
    c = np.zeros(p)
    for t in range(n):
        if not math.isnan(z[t]):
            s[t % p] += z[t]
            c[t % p] += 1
    f = s / np.maximum(c, 1)
    f -= f.mean()
    return f


R2_MIN = 0.05


def detect(x, step, maxseasons=2):
    """Seasons, short to long; x on the chosen scale."""
    n = len(x)
    out = []
    r = x.copy()

    def need(p):  # few cycles ask for more
        cyc = n / p - 1
        return R2_MIN + 0.5 / max(cyc, 1.0) ** 1.5

    for p in calendar(step):
        if n < 3 * p or len(out) >= maxseasons:
            continue
        v, share = season_r2(r, p)
        if v > need(p) and share > 0.5:
            out.append(p)
            f = profile(r, p)
            r = r - f[np.arange(n) % p]
    if not out:
        d = np.diff(x)
        ml = min(n // 4, 1000)
        if ml >= 4:
            a = acf(d, ml)
            c = []
            for p in range(3, ml):
                if a[p] > a[p - 1] and a[p] >= a[p + 1] and a[p] > max(0.15, 3 / math.sqrt(n)):
                    v, share = season_r2(x, p)
                    if v > need(p) + 0.1 and share > 0.6:
                        c.append((p, v))
            if c:
                best = max(v for _, v in c)
                for p, v in c:
                    if v >= 0.9 * best:
                        out.append(p)
                        break
    return out


# ---------------------------------------------------------------- exponential smoothing
# trend: 0 none, 1 damped, 2 fixed drift, 3 linear.  mult: seasons multiply.
# par: alpha, beta (share of alpha), phi, rho, gamma per season
@njit(**J)
def es_pass(x, n, ms, trend, mult, par, st, S, back, F, ffrom, H):
    """Filters rows 0..n (or n..0 if back) from the state st (level, slope, d) and S, changed in place; returns sum of squared errors and count.
    When F has rows, writes F[o, k] = forecast of x[o+k] with rows before o known, for o >= ffrom.
    """
    al, be, ph, rho = par[0], par[1], par[2], par[3]
    l, b, d = st[0], st[1], st[2]
    ns = len(ms)
    sse = 0.0
    for i in range(n + 1):
        if F.shape[0] > 0 and i >= ffrom and not back:
            bb = 0.0
            pk = 1.0
            rk = 1.0
            for k in range(H):
                if trend == 1:
                    pk *= ph
                    bb += pk * b
                elif trend >= 2:
                    bb += b
                rk *= rho
                if mult:
                    s = 1.0
                    for j in range(ns):
                        s *= S[j, (i + k) % ms[j]]
                    F[i, k] = (l + bb) * s + rk * d
                else:
                    s = 0.0
                    for j in range(ns):
                        s += S[j, (i + k) % ms[j]]
                    F[i, k] = l + bb + s + rk * d
        if i == n:
            break
        t = n - 1 - i if back else i
        pb = 0.0
        if trend == 1:
            pb = ph * b
        elif trend >= 2:
            pb = b
        dp = rho * d
        if mult:
            s = 1.0
            for j in range(ns):
                s *= S[j, t % ms[j]]
            base = (l + pb) * s
            e = x[t] - base - dp
            ss = s if s > 0.05 else 0.05
            l = l + pb + al * e / ss
            if trend == 1 or trend == 3:
                b = pb + al * be * e / ss
            bs = base if abs(base) > 1e-9 else 1e-9
            g = e / bs
            if g > 1:
                g = 1.0
            if g < -0.9:
                g = -0.9
            for j in range(ns):
                S[j, t % ms[j]] *= 1 + par[4 + j] * g
        else:
            s = 0.0
            for j in range(ns):
                s += S[j, t % ms[j]]
            e = x[t] - l - pb - s - dp
            l = l + pb + al * e
            if trend == 1 or trend == 3:
                b = pb + al * be * e
            for j in range(ns):
                S[j, t % ms[j]] += par[4 + j] * e
        d = dp + e
        sse += e * e
    st[0] = l
    st[1] = b
    st[2] = d
    return sse


@njit(**J)
def es_full(x, n, ms, trend, mult, par, l0, b0, S0, x2, n2, F, ffrom, H):
    """Forward, backward (backcast start), forward. The last forward pass runs on x2 (the same rows, and more after them). Returns mean square error."""
    st = np.zeros(3)
    st[0] = l0
    st[1] = b0
    S = S0.copy()
    E = np.zeros((0, 0))
    es_pass(x, n, ms, trend, mult, par, st, S, False, E, 0, H)
    st[2] = 0.0
    st[1] = -st[1]
    if trend == 2:
        pass
    es_pass(x, n, ms, trend, mult, par, st, S, True, E, 0, H)
    st[2] = 0.0
    st[1] = -st[1]
    return es_pass(x2, n2, ms, trend, mult, par, st, S, False, F, ffrom, H)


@njit(**J)
def unpack(v, trend, ns, ar, mult):
    par = np.zeros(4 + ns)
    f = 1.0 / (1.0 + np.exp(-v))
    par[0] = 0.001 + 0.998 * f[0]
    par[1] = f[1] * 0.5 if trend == 1 or trend == 3 else 0.0
    par[2] = 0.8 + 0.18 * f[2] if trend == 1 else 1.0
    par[3] = -0.3 + 1.27 * f[3] if ar else 0.0
    for j in range(ns):
        par[4 + j] = (f[4 + j] if mult else (1 - par[0]) * f[4 + j]) * 0.9 + 1e-4
    return par


@njit(**J)
def es_loss(v, x, n, ms, trend, mult, ar, l0, b0, S0):
    par = unpack(v, trend, len(ms), ar, mult)
    E = np.zeros((0, 0))
    s = es_full(x, n, ms, trend, mult, par, l0, b0, S0, x, n, E, 0, 1) / n
    r = math.log(s + 1e-12) if s == s and s < 1e100 else 1e10
    pen = 0.0
    for i in range(len(v)):
        pen += v[i] * v[i]  # keeps the search in the box
    return r + 1e-3 * pen


@njit(**J)
def nelder(v0, step, iters, x, n, ms, trend, mult, ar, l0, b0, S0):
    k = len(v0)
    P = np.zeros((k + 1, k))
    f = np.zeros(k + 1)
    for i in range(k + 1):
        P[i] = v0
        if i:
            P[i, i - 1] += step
        f[i] = es_loss(P[i], x, n, ms, trend, mult, ar, l0, b0, S0)
    ev = k + 1
    while ev < iters:
        o = np.argsort(f)
        P = P[o]
        f = f[o]
        if f[k] - f[0] < 1e-5:
            break
        c = np.zeros(k)
        for i in range(k):
            c += P[i] / k
        r = c + (c - P[k])
        fr = es_loss(r, x, n, ms, trend, mult, ar, l0, b0, S0)
        ev += 1
        if fr < f[0]:
            e = c + 2 * (c - P[k])
            fe = es_loss(e, x, n, ms, trend, mult, ar, l0, b0, S0)
            ev += 1
            if fe < fr:
                P[k] = e
                f[k] = fe
            else:
                P[k] = r
                f[k] = fr
        elif fr < f[k - 1]:
            P[k] = r
            f[k] = fr
        else:
            if fr < f[k]:
                q = c + 0.5 * (r - c)
            else:
                q = c + 0.5 * (P[k] - c)
            fq = es_loss(q, x, n, ms, trend, mult, ar, l0, b0, S0)
            ev += 1
            if fq < min(fr, f[k]):
                P[k] = q
                f[k] = fq
            else:
                for i in range(1, k + 1):
                    P[i] = P[0] + 0.5 * (P[i] - P[0])
                    f[i] = es_loss(P[i], x, n, ms, trend, mult, ar, l0, b0, S0)
                ev += k
    b = np.argmin(f)
    return P[b], f[b]


def es_init(x, ms, trend, mult):
    n = len(x)
    ns = len(ms)
    S = np.full((max(ns, 1), max(list(ms) + [1])), 1.0 if mult else 0.0)
    r = x.copy()
    for j, p in enumerate(ms):
        q = min(n, max(5 * p, 2 * p))
        if mult:
            tr = cma(r[:q], p)
            z = r[:q] / np.where(np.abs(tr) > 1e-9, tr, np.nan)
            s = np.array(
                [np.nanmean(z[i::p]) if np.any(~np.isnan(z[i::p])) else 1.0 for i in range(p)]
            )
            s = np.clip(s, 0.05, 20)
            s /= s.mean()
            S[j, :p] = s
            r = r / s[np.arange(n) % p]
        else:
            s = profile(r[:q], p)
            S[j, :p] = s
            r = r - s[np.arange(n) % p]
    q = min(n, max(list(ms) + [10]))
    t = np.arange(q)
    b = np.polyfit(t, r[:q], 1)[0] if q > 3 else 0.0
    if trend == 2:
        b = 0.5 * np.polyfit(np.arange(n), r, 1)[0]
    if trend == 0:
        b = 0.0
    return r[:q].mean() - b * (q - 1) / 2, b, S


class ES:
    def __init__(s, trend, mult=False, ar=True):
        s.trend, s.mult, s.ar, s.v = trend, mult, ar, None

    def fit(s, x, ms):
        s.ms = np.array(ms, np.int64)
        s.x = x.copy()
        n = len(x)
        s.sd = np.std(np.diff(x)) or 1.0
        s.l0, s.b0, s.S0 = es_init(x, ms, s.trend, s.mult)
        k = 4 + len(ms)
        starts = (
            [s.v]
            if s.v is not None
            else [
                np.array([0.0, -2.0, 1.0, -1.0] + [-1.5] * len(ms)),
                np.array([-2.0, -2.0, 1.0, 0.5] + [-1.5] * len(ms)),
            ]
        )
        best = None
        for v0 in starts:
            v, f = nelder(
                v0,
                1.0,
                250 if s.v is None else 120,
                x,
                n,
                s.ms,
                s.trend,
                s.mult,
                s.ar,
                s.l0,
                s.b0,
                s.S0,
            )
            if best is None or f < best[1]:
                best = (v, f)
        s.v = best[0]
        s.par = unpack(s.v, s.trend, len(ms), s.ar, s.mult)
        s.loss = best[1]
        return s

    def forecasts(s, x2, H, ffrom=0):
        F = np.zeros((len(x2) + 1, H))
        es_full(
            s.x, len(s.x), s.ms, s.trend, s.mult, s.par, s.l0, s.b0, s.S0, x2, len(x2), F, ffrom, H
        )
        return F


# ---------------------------------------------------------------- direct ridge above the smoothing
@njit(**J)
def nfeat(L, ms, C, K, W, nf, mult, flags):
    p = 0
    if flags & 64:
        p += 2 * len(ms)
    if flags & 128:
        for m in ms:
            if m >= L:
                p += 4
    if flags & 512:
        p += len(ms)
    if flags & 256:
        p += 2 * max(0, len(ms) - 1)
    if flags & 1:
        p += L
    if flags & 2:
        p += 3 * C * len(ms)
    if flags & 4:
        p += len(W)
    if flags & 8:
        for m in ms:
            p += 2 * min(K, m // 2)
    if flags & 16 and mult:
        p += 2 * len(ms)
    if flags & 32:
        p += nf
    return p


@njit(**J)
def feat(row, x, cs, o, k, L, ms, C, K, W, F, mult, flags):
    """Inputs for x[o+k] from rows before o, all relative to the last value (so a shift of the series shifts the forecast)."""
    last = x[o - 1]
    p = 0
    if flags & 1:
        for j in range(1, L + 1):
            row[p] = x[o - 1 - j] - last
            p += 1
    if flags & 2:
        for m in ms:
            for c in range(1, C + 1):
                b = o + k - m * (k // m + c)
                for d in range(-1, 2):
                    i = b + d
                    if i >= o:
                        i = o - 1
                    while i < 0:
                        i += m
                    if i >= o:
                        i = o - 1
                    row[p] = x[i] - last
                    p += 1
    if flags & 4:
        for w in W:
            q = w if w < o else o
            row[p] = (cs[o] - cs[o - q]) / q - last
            p += 1
    if flags & 8:
        for m in ms:
            for h in range(1, min(K, m // 2) + 1):
                a = 2 * math.pi * h * ((o + k) % m) / m
                row[p] = math.sin(a)
                row[p + 1] = math.cos(a)
                p += 2
    if flags & 16 and mult:
        for m in ms:
            q = m if m < o else o
            lev = (cs[o] - cs[o - q]) / q
            b = o + k - m * (k // m + 1)
            while b < 0:
                b += m
            e = b + 1
            z = e - m if e - m > 0 else 0
            lb = (cs[e] - cs[z]) / (e - z)
            r = lev / lb if lb > 0 else 1.0
            if r > 3:
                r = 3.0
            row[p] = x[b] * r - last
            p += 1
            g = o - 1 - m * (k // m + 1)
            while g < 0:
                g += m
            r = x[b] / x[g] if x[g] > 0 else 1.0
            if r > 5:
                r = 5.0
            row[p] = last * r - last
            p += 1
    if (
        flags & 64
    ):  # climate: mean of the phase of the target, and of the last value, over up to ten seasons
        for m in ms:
            for q in range(2):
                b = o - 1 - m if q else o + k - m * (k // m + 1)
                s = 0.0
                c = 0
                while b >= 0 and c < 10:
                    s += x[b]
                    c += 1
                    b -= m
                row[p] = s / c - last if c > 0 else 0.0
                p += 1
    if (
        flags & 512
    ):  # climate: mean rise from the place of the last value to that of the target, over up to ten seasons
        for m in ms:
            b = o + k - m * (k // m + 1)
            e = o - 1 - m * (k // m + 1)
            s = 0.0
            c = 0
            while e >= 0 and c < 10:
                s += x[b] - x[e]
                c += 1
                b -= m
                e -= m
            row[p] = s / c if c > 0 else 0.0
            p += 1
    if flags & 128:  # the last two values' places in the last two seasons
        for m in ms:
            if m >= L:
                for c in range(1, 3):
                    for d in range(2):
                        i = o - 1 - d - m * c
                        while i < 0:
                            i += m
                        row[p] = x[i] - last
                        p += 1
    if flags & 256:  # level of the short season now, and one and two long seasons ago
        for j in range(1, len(ms)):
            for c in range(1, 3):
                e = o - ms[j] * c
                while e <= 0:
                    e += ms[j]
                if e > o:
                    e = o
                z = e - ms[0] if e > ms[0] else 0
                row[p] = (cs[e] - cs[z]) / (e - z) - last
                p += 1
    if flags & 32:
        for j in range(F.shape[0]):
            row[p] = F[j, o, k] - last
            p += 1


LAMS = np.array([1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.03, 0.1, 0.3, 1.0, 10.0])
LONG = 400000  # rows x steps of the ridge beyond which rows are thinned


@njit(**J)
def ridge_k(x, cs, k, first, a, step, origins, L, ms, C, K, W, F, mult, lams, nES, clip, flags):
    """Step k fitted on targets before row a. Families: 0 all inputs, relative to the last value; 1 all inputs, relative to the mean of F;
    2 without F (the last nES columns), relative to the last value. Returns coefficients and predictions [family, lam, origin].
    """
    p = nfeat(L, ms, C, K, W, nES, mult, flags)
    n = (a - k - first + step - 1) // step
    X = np.zeros((n, p))
    Y = np.zeros((n, 2))
    for i in range(n):
        o = a - k - 1 - i * step
        feat(X[i], x, cs, o, k, L, ms, C, K, W, F, mult, flags)
        f = 0.0
        for j in range(nES):
            f += F[j, o, k] / nES
        Y[i, 0] = x[o - 1] - f
        Y[i, 1] = x[o + k] - f
    if clip > 0:
        c = clip * np.median(np.abs(Y[:, 1]))
        if c > 0:
            for i in range(n):
                Y[i, 1] = min(max(Y[i, 1], -c), c)
    for i in range(n):
        Y[i, 0] = Y[i, 1] - Y[i, 0]
    mu = np.zeros(p)
    sd = np.zeros(p)
    for j in range(p):
        s = 0.0
        for i in range(n):
            s += X[i, j]
        mu[j] = s / n
        s = 0.0
        for i in range(n):
            s += (X[i, j] - mu[j]) ** 2
        sd[j] = math.sqrt(s / n)
        if sd[j] <= 1e-12:
            sd[j] = 1e300  # constant input: no weight
        for i in range(n):
            X[i, j] = (X[i, j] - mu[j]) / sd[j]
    my = np.zeros(2)
    for r in range(2):
        s = 0.0
        for i in range(n):
            s += Y[i, r]
        my[r] = s / n
        for i in range(n):
            Y[i, r] -= my[r]
    G = np.dot(X.T, X) / n
    R = np.dot(X.T, Y) / n
    nl = len(lams)
    q = p - nES
    B = np.zeros((3, nl, p + 1))  # last: intercept
    for l in range(nl):
        A = G.copy()
        for j in range(p):
            A[j, j] += lams[l]
        b = np.linalg.solve(A, R)
        A2 = A[:q, :q].copy()
        b2 = np.linalg.solve(A2, R[:q, :1].copy())
        for j in range(p):
            B[0, l, j] = b[j, 0] / sd[j]
            B[1, l, j] = b[j, 1] / sd[j]
            if j < q:
                B[2, l, j] = b2[j, 0] / sd[j]
        for f in range(3):
            s = my[1] if f == 1 else my[0]
            for j in range(p):
                s -= B[f, l, j] * mu[j]
            B[f, l, p] = s
    no = len(origins)
    out = np.zeros((3, nl, no))
    z = np.zeros(p)
    for i in range(no):
        o = origins[i]
        feat(z, x, cs, o, k, L, ms, C, K, W, F, mult, flags)
        fm = 0.0
        for j in range(nES):
            fm += F[j, o, k] / nES
        for f in range(3):
            for l in range(nl):
                s = B[f, l, p] + (fm if f == 1 else x[o - 1])
                for j in range(p):
                    s += B[f, l, j] * z[j]
                out[f, l, i] = s
    return B, out


def shape(n, ms):
    m = ms[0] if ms else 1
    L = int(min(max(m + 1, 12), 60, max(3, n // 8)))
    W = sorted({w for w in [3, 7] + [q * c for q in ms for c in (1, 2, 4)] if w <= n // 4})
    C, K = (4, 10) if n >= 500 else (3, 4)
    return L, C, K, np.array(W, np.int64)


TRENDS = {"none": 0, "damp": 1, "theta": 2, "lin": 3}
FAM = ["es", "all-last", "all-es", "lags-last"]
CLIP = 8.0
FLAGS = 831
VFRAC = 4
VH = 3  # validation rows: n/VFRAC, at least VH horizons, at most n/3
LIN = 0
SHARP, GAMMA, SHRINK = 50.0, 4.0, 2.0


def groups(H):
    e = [0, 1, 3, 8, 20, 48, 120, 336, 1000, 10**9]
    return [(a, min(b, H)) for a, b in zip(e[:-1], e[1:]) if a < H]


class Scale:
    """One scale (natural or log): seasons, smoothing, ridge."""

    def __init__(s, x, ms, mult, n):
        s.ms, s.mult = ms, mult
        s.msa = np.array(ms, np.int64) if ms else np.zeros(0, np.int64)
        s.es = {k: ES(t) for k, t in TRENDS.items()}
        s.L, s.C, s.K, s.W = shape(n, ms)

    def smooth(s, x, a, H):
        for e in s.es.values():
            e.fit(x[:a], s.ms)
        return s.apply(x, H)

    def apply(s, x, H):
        f = {k: e.forecasts(x, H) for k, e in s.es.items()}
        return (
            (f["none"] + f["damp"] + f["theta"] + f["lin"]) / 4
            if LIN
            else (f["none"] + f["damp"] + f["theta"]) / 3
        ), np.stack([f["none"], f["damp"], f["lin"]])

    def ridge(s, x, a, H, origins, F, avg, want=None):
        """[1+3 families: lam][origin, step]; es first."""
        nl = len(LAMS)
        cs = np.concatenate([[0.0], np.cumsum(x)])
        M = max(s.ms + [0])
        first = max(s.L + 1, min(2 * M, max(M + 1, a // 3)))
        step = max(1, int(round(a * H / LONG)))
        P = np.zeros((3, nl, len(origins), H))
        B = []
        for k in range(H):
            if a - k - first < 12 * step:
                P[:, :, :, k] = avg[origins, k]
                B.append(None)
                continue
            b, o = ridge_k(
                x,
                cs,
                k,
                first,
                a,
                step,
                origins,
                s.L,
                s.msa,
                s.C,
                s.K,
                s.W,
                F,
                s.mult,
                LAMS,
                F.shape[0],
                CLIP,
                FLAGS,
            )
            P[:, :, :, k] = o
            B.append(b)
        return P, B


def simplex(w):
    u = np.sort(w)[::-1]
    c = np.cumsum(u) - 1
    r = 0
    for i in range(len(u)):
        if u[i] - c[i] / (i + 1) > 0:
            r = i
    return np.maximum(w - c[r] / (r + 1), 0)


class Model:
    pass


EXTRA = 1


def plain(m, y, origins):
    """Last value, and the seasonal naive of each season."""
    if not EXTRA or m.scales["N"].ms:
        return []
    out = [np.repeat(y[origins - 1][:, None], m.H, 1)]
    if EXTRA > 1:
        for p in m.scales["N"].ms:
            out.append(
                np.array([[y[o + k - p * (k // p + 1)] for k in range(m.H)] for o in origins])
            )
    return out


def splits(y):
    """Unadjusted splits of a positive series: steps of the logarithm by more than log 1.5 and twenty times the usual step, at which the level stays.
    Returns the factor of each row which brings it to the level of the last row."""
    n = len(y)
    f = np.ones(n)
    if y.min() <= 0 or n < 20:
        return f
    d = np.diff(np.log(y))
    u = np.median(np.abs(d))
    for i in range(n - 2, 3, -1):  # d[i]: from row i to i+1
        if abs(d[i]) > math.log(1.5) and abs(d[i]) > 20 * max(u, 1e-9) and u > 0:
            a = y[max(0, i - 9) : i + 1]
            b = y[i + 1 : i + 11]
            r = math.log(np.median(b) / np.median(a))
            if (
                abs(r - d[i]) < 0.25 * abs(d[i])
                and np.max(np.abs(np.log(b / np.median(b)))) < 0.5 * abs(d[i])
                and np.max(np.abs(np.log(a / np.median(a)))) < 0.5 * abs(d[i])
            ):
                f[: i + 1] *= math.exp(d[i])
    return f


SPLIT = 1
DROP = ()


def tobase(m, sc, x):
    if sc == "N":
        return x * m.unit
    return np.exp(np.minimum(x, m.loghi))


def onscale(m, sc, y):
    return y / m.unit if sc == "N" else np.log(np.maximum(y, m.tiny))


def fit(y, step=None, H=1):
    y = np.asarray(y, float).copy()
    m = Model()
    m.f = splits(y) if SPLIT and len(y) else np.ones(len(y))
    y *= m.f
    n = len(y)
    m.H = H
    m.n = n
    m.const = False
    m.scales = {}
    sd = y.std()
    lo, hi = y.min(), y.max()
    if n < 8 or sd <= 1e-12 * max(abs(lo), abs(hi), 1e-300):
        m.const = True
        return m
    m.unit = sd
    r = (hi - lo) * max(1.0, 2.0 * H / n)
    m.lo = lo - r
    m.hi = hi + r
    if lo >= 0:
        m.lo = 0.0
    names = ["N"]
    if lo > 0:
        names.append("L")
        m.tiny = lo / 100
        m.loghi = math.log(hi) + max(math.log(hi / lo), 0.1) * max(1.0, 2.0 * H / n)
    # folds: the last V rows in three parts
    V = int(min(max(n // VFRAC, VH * H), n // 3))
    nf = 3 if V >= 9 else 1
    edge = [n - V + i * V // nf for i in range(nf + 1)]
    st = max(1, V // 600)
    val, A, og_all = {}, None, []
    for sc in names:
        x = onscale(m, sc, y)
        ms = detect(x, step)  # seasons: on all rows before the test set
        ms = [p for p in ms if p <= (n - V) // 2]
        while st > 1 and any(p % st == 0 for p in ms):
            st += 1
        s = m.scales[sc] = Scale(x, ms, sc == "N", n)
        parts = []
        for f in range(nf):
            og = np.arange(edge[f], edge[f + 1], st)
            avg, F = s.smooth(x, edge[f], H)
            P, _ = s.ridge(x, edge[f], H, og, F, avg)
            parts.append((avg[og], P))
            if sc == "N":
                og_all.append(og)
        val[sc] = (
            tobase(m, sc, np.concatenate([p[0] for p in parts])),
            tobase(m, sc, np.concatenate([p[1] for p in parts], 2)),
        )
    og = np.concatenate(og_all)
    A = np.array([[y[o + k] if o + k < n else np.nan for k in range(H)] for o in og])
    xv = plain(m, y, og)
    # penalty and weights by group of steps
    m.groups = groups(H)
    m.w = []
    m.lamw = []
    m.valmae = []
    prev = None
    for a, b in m.groups:
        ok = ~np.isnan(A[:, a:b])
        cnt = ok.sum()
        if cnt < 8 and prev is not None:
            m.w.append(prev[0])
            m.lamw.append(prev[1])
            m.valmae.append(prev[2])
            continue
        E = []
        lw = {}
        for sc in names:
            P0, P = val[sc]
            E.append((P0[:, a:b] - A[:, a:b])[ok])
            for f in range(3):
                e = np.array(
                    [np.mean(np.abs((P[f, l][:, a:b] - A[:, a:b])[ok])) for l in range(len(LAMS))]
                )
                e = np.maximum(e, 1e-9 * sd)
                w = (e / e.min()) ** -SHARP
                w[w < 0.01] = 0
                w /= w.sum()
                lw[sc, f] = w
                E.append((np.tensordot(w, P[f], 1)[:, a:b] - A[:, a:b])[ok])
        for P0 in xv:
            E.append((P0[:, a:b] - A[:, a:b])[ok])
        E = np.stack(E)
        q = len(E)
        for i in DROP:
            E[i] += 1e6 * sd  # for ablations
        ne = len(og) / max(1.0, b / 2)
        mae = np.maximum(np.abs(E).mean(1), 1e-6 * sd)
        w0 = (mae / mae.min()) ** -GAMMA
        w0 /= w0.sum()
        Cm = E @ E.T / E.shape[1]
        lam = SHRINK * (w0 * np.diag(Cm)).sum() / math.sqrt(ne) + 1e-12 * sd * sd
        Lp = np.abs(Cm).sum(1).max() + lam
        w = w0.copy()
        for _ in range(400):
            w = simplex(w - (Cm @ w + lam * (w - w0)) / Lp)
        m.w.append(w)
        m.lamw.append(lw)
        m.valmae.append(mae)
        prev = (w, lw, mae)
    m.cand = [f"{sc}:{f}" for sc in names for f in FAM]
    # refit on all rows
    for sc, s in m.scales.items():
        x = onscale(m, sc, y)
        avg, F = s.smooth(x, n, H)
        _, B = s.ridge(x, n, H, np.zeros(0, np.int64) + 0, F, avg)
        s.B = []
        for k in range(H):
            g = [i for i, (a, b) in enumerate(m.groups) if a <= k < b][0]
            s.B.append(
                None
                if B[k] is None
                else np.stack([np.tensordot(m.lamw[g][sc, f], B[k][f], 1) for f in range(3)])
            )
    return m


@njit(**J)
def apply_k(x, cs, k, origins, L, ms, C, K, W, F, mult, B, flags):
    nES = F.shape[0]
    p = B.shape[1] - 1
    z = np.zeros(p)
    out = np.zeros((3, len(origins)))
    for i in range(len(origins)):
        o = origins[i]
        feat(z, x, cs, o, k, L, ms, C, K, W, F, mult, flags)
        fm = 0.0
        for j in range(nES):
            fm += F[j, o, k] / nES
        for f in range(3):
            s = B[f, p] + (fm if f == 1 else x[o - 1])
            for j in range(p):
                s += B[f, j] * z[j]
            out[f, i] = s
    return out


def forecast_many(m, y, origins, parts=False):
    """[origin, step]; y starts with the rows the model was fitted on; the forecast at o reads y[:o] only."""
    y = np.asarray(y, float).copy()
    q = min(len(y), len(m.f))
    y[:q] *= m.f[:q]
    H = m.H
    origins = np.asarray(origins, np.int64)
    if m.const:
        return np.repeat(y[origins - 1][:, None], H, 1)
    T = []
    for sc, s in m.scales.items():
        x = onscale(m, sc, y)
        avg, F = s.apply(x, H)
        cs = np.concatenate([[0.0], np.cumsum(x)])
        P = np.zeros((4, len(origins), H))
        P[0] = avg[origins]
        for k in range(H):
            if s.B[k] is None:
                P[1:, :, k] = avg[origins, k]
            else:
                P[1:, :, k] = apply_k(
                    x, cs, k, origins, s.L, s.msa, s.C, s.K, s.W, F, s.mult, s.B[k], FLAGS
                )
        T += list(tobase(m, sc, P))
    T += plain(m, y, origins)
    T = np.stack(T)
    out = np.zeros((len(origins), H))
    for g, (a, b) in enumerate(m.groups):
        out[:, a:b] = np.tensordot(m.w[g], T[:, :, a:b], 1)
    lo = np.minimum(m.lo, 0 if m.lo == 0 else np.inf)
    out = np.minimum(np.maximum(out, m.lo), m.hi)
    return (out, T) if parts else out


def forecast(m, y_past):
    return forecast_many(m, y_past, [len(y_past)])[0]


def main():
    """Scores the series of a folder: fitted once before the test set, origins at a stride."""
    import json, sys, time

    folder = sys.argv[1]
    steps = {"30min": 1800.0, "h": 3600.0, "D": 86400.0, "W-SAT": 7 * 86400.0, "MS": "M"}
    with open(f"{folder}/meta.json") as file:
        meta = json.load(file)
    for name, about in meta.items():
        with open(f"{folder}/{name}.csv") as file:
            y = np.array([float(line.split(",")[1]) for line in file.read().split()[1:]])
        m, first = about["m"], len(y) - about["test"]
        scale = np.mean(np.abs(y[m:first] - y[: first - m]))
        for horizon in (1, m):
            start = time.time()
            model = fit(y[:first], steps[about["freq"]], horizon)
            origins = np.arange(first, len(y) - horizon + 1, about["stride"])
            actual = np.array([y[o : o + horizon] for o in origins])
            error = np.mean(np.abs(forecast_many(model, y, origins) - actual)) / scale
            seconds = time.time() - start
            print(f"{name:16} {horizon:3} ahead: MASE {error:.3f}, {seconds:.1f} s", flush=True)


if __name__ == "__main__":
    main()
