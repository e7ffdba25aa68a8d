"""Decompositions of matrices: eigenvalues, Schur and Hessenberg forms, tridiagonal systems, in real and complex numbers."""

import importlib

import jax.numpy as jnp
import numpy as np
from jax import lax

rng = np.random.default_rng(1)
draw = lambda *shape: np.round(rng.normal(size=shape), 2).astype(np.float32)
complexes = lambda *shape: (draw(*shape) + 1j * draw(*shape)).astype(np.complex64)
A = draw(4, 4) + np.diag([3, -1, 1, 0.5]).astype(np.float32)
A5 = draw(5, 5)
C = complexes(3, 3)
H = (C @ C.conj().T + 2 * np.eye(3)).astype(np.complex64)
H = np.round(H, 2)
S = np.round(A @ A.T, 2) + np.eye(4, dtype=np.float32)
B = draw(4, 2)
R = np.round(np.linalg.cholesky(S).T, 3).astype(np.float32)
la = lax.linalg
geqrf = importlib.import_module("jax._src.lax.linalg").geqrf
ONLY = ("program", "vmap")

cases = {
    "eig": (lambda x: la.eig(x), [A]),
    "eig right": (lambda x: la.eig(x, compute_left_eigenvectors=False, enable_eigvec_derivs=True), [A]),
    "eig both": (lambda x: la.eig(x, enable_eigvec_derivs=True), [A5]),
    "eig values": (lambda x: la.eig(x, compute_left_eigenvectors=False, compute_right_eigenvectors=False), [A5]),
    "eig complex": (lambda x: la.eig(x, enable_eigvec_derivs=True), [C]),
    "np eig": (lambda x: jnp.linalg.eig(x), [A]),
    "np eigvals": (lambda x: jnp.linalg.eigvals(x), [A]),
    "roots": (lambda x: jnp.roots(x, strip_zeros=False), [draw(5)]),
    "hessenberg": (lambda x: la.hessenberg(x), [A5]),
    "hessenberg complex": (lambda x: la.hessenberg(x), [C]),
    "schur": (lambda x: la.schur(x), [A5]),
    "schur form": (lambda x: la.schur(x, compute_schur_vectors=False), [A]),
    "schur complex": (lambda x: la.schur(x), [C]),
    "tridiagonal": (lambda x: la.tridiagonal(x), [S]),
    "tridiagonal upper": (lambda x: la.tridiagonal(x, lower=False), [S]),
    "tridiagonal complex": (lambda x: la.tridiagonal(x), [H]),
    "tridiagonal solve": (lambda dl, d, du, b: la.tridiagonal_solve(dl, d, du, b), [draw(4), draw(4) + 3, draw(4), B]),
    "tridiagonal solve batch": (lambda dl, d, du, b: la.tridiagonal_solve(dl, d, du, b),
                                [draw(2, 4), draw(2, 4) + 3, draw(2, 4), draw(2, 4, 3)]),
    "tridiagonal solve b": (lambda b: la.tridiagonal_solve(jnp.zeros(4), jnp.full(4, 2.0), jnp.zeros(4), b), [B]),
    "symmetric product": (lambda a, c: la.symmetric_product(a, c, alpha=2.0, beta=0.5), [B, S]),
    "symmetric product whole": (lambda a, c: la.symmetric_product(a, c, symmetrize_output=True), [B, S]),
    "cholesky update": (lambda r, w: la.cholesky_update(r, w), [R, draw(4)]),
    "ormqr": (lambda a, t, c: la.ormqr(a, t, c), [draw(4, 2), draw(2), draw(4, 3)]),
    "ormqr right transposed": (lambda a, t, c: la.ormqr(a, t, c, left=False, transpose=True), [draw(4, 2), draw(2), draw(3, 4)]),
    "ormqr complex": (lambda a, t, c: la.ormqr(a, t, c, transpose=True), [complexes(4, 2), complexes(2), complexes(4, 3)]),
    "qr pivoting": (lambda x: la.qr(x, pivoting=True, full_matrices=False), [A]),
    "qr pivoting full": (lambda x: la.qr(x, pivoting=True), [B]),
    "qr complex": (lambda x: la.qr(x), [C]),
    "geqrf complex": (lambda x: geqrf(x), [C]),
    "householder product complex": (lambda x: la.householder_product(*geqrf(x)), [complexes(4, 2)]),
    "lu complex": (lambda x: la.lu(x), [C]),
    "cholesky complex": (lambda x: la.cholesky(x), [H]),
    "triangular solve complex": (lambda a, b: la.triangular_solve(a, b, left_side=True, lower=True, transpose_a=True, conjugate_a=True),
                                 [C, complexes(3, 2)]),
    "eigh complex": (lambda x: la.eigh(x), [H]),
    "svd complex": (lambda x: la.svd(x, full_matrices=False), [complexes(3, 2)]),
    "svd values complex": (lambda x: la.svd(x, compute_uv=False), [complexes(2, 3)]),
    "np inv complex": (lambda x: jnp.linalg.inv(x), [C]),
    "np det complex": (lambda x: jnp.linalg.det(x), [C]),
    "np solve complex": (lambda a, b: jnp.linalg.solve(a, b), [C, complexes(3)]),
    "np det 4": (lambda x: jnp.linalg.det(x), [A]),
    "np slogdet 4": (lambda x: jnp.linalg.slogdet(x), [A]),
    "np svd": (lambda x: jnp.linalg.svd(x, full_matrices=False), [B]),
    "np lstsq": (lambda a, b: jnp.linalg.lstsq(a, b), [draw(4, 2), draw(4)]),
    "np pinv": (lambda a: jnp.linalg.pinv(a), [draw(4, 2)]),
    "x64 eig both": (lambda x: la.eig(x, enable_eigvec_derivs=True), [A5.astype(np.float64)], ONLY),
    "x64 eig values": (lambda x: la.eig(x), [draw(7, 7).astype(np.float64)], ONLY),
    "x64 schur": (lambda x: la.schur(x), [A5.astype(np.float64)], ONLY),
    "x64 schur complex": (lambda x: la.schur(x), [C.astype(np.complex128)], ONLY),
}
