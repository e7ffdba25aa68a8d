/** Fourier transforms: values and programs are JAX's. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { enableX64, grad, lax, makeJaxpr, np, RematValueError, vmap, type NDArray } from "../src/index.ts";

const numbers = (x: NDArray): number[] => (np.ravel(x).toJS() as number[]).map((v) => Math.round(v * 1e9) / 1e9 + 0);
const rounded = (xs: readonly number[]): number[] => xs.map((v) => Math.round(v * 1e9) / 1e9 + 0);

describe("values, in double precision", () => {
  beforeAll(() => {
    enableX64(true);
  });
  afterAll(() => {
    enableX64(false);
  });
  const x = (): NDArray =>
    np.array(
      [
        [1, 2, 0.5, -1, 3],
        [0, -2, 1.5, 4, 0.25],
      ],
      "float64",
    );

  test("real numbers to half a spectrum, and back", () => {
    const z = np.fft.rfft(x());
    expect(numbers(np.real(z))).toEqual(
      rounded([5.5, 2.949593469062, -3.199593469062, 3.75, -4.990373209218, 3.115373209218]),
    );
    expect(numbers(np.imag(z))).toEqual(
      rounded([0, 0.069378637856, 2.014370026735, 0, 3.609340292395, -1.05512447308]),
    );
    expect(numbers(np.fft.irfft(z, 5))).toEqual(numbers(x()));
  });
  test("scaled by the root of the number of points", () => {
    expect(numbers(np.real(np.fft.fft2(x(), { norm: "ortho" })))).toEqual(
      rounded([
        2.925106835656, -0.645351218162, -0.026632784624, -0.026632784624, -0.645351218162, 0.553398590529,
        2.510837924921, -1.996967805143, -1.996967805143, 2.510837924921,
      ]),
    );
  });
  test("cut and filled to other sizes", () => {
    expect(numbers(np.imag(np.fft.ifftn(x(), [3, 4])))).toEqual(
      rounded([
        0, -0.25, 0, 0.25, 0.25259074277, 0.391746824527, -0.036084391824, -0.608253175473, -0.25259074277,
        0.608253175473, 0.036084391824, -0.391746824527,
      ]),
    );
  });
  test("of a sequence with Hermitian symmetry", () => {
    expect(numbers(np.fft.hfft(np.take(x(), np.array([0], "int32"), { axis: 0 })))).toEqual(
      rounded([7, 2.242640687119, 3, -6.242640687119, 3, -6.242640687119, 3, 2.242640687119]),
    );
  });
  test("inverses undo each other for lengths of many factors, primes and one", () => {
    for (const n of [1, 2, 7, 12, 30, 31]) {
      const line = np.sin(np.arange(n, { dtype: "float64" }));
      expect(numbers(np.real(np.fft.ifft(np.fft.fft(line))))).toEqual(numbers(line));
    }
  });
  test("the gradient", () => {
    const loss = (a: NDArray): NDArray => np.sum(np.abs(np.fft.rfft(a)));
    expect(numbers(grad(loss)(x()))).toEqual(
      rounded([
        1.153468128748, 1.658043734427, 0.42257921833, -0.563180372073, 2.329089290568, 1.136872517182, -0.385460382127,
        1.298664316309, 2.597768012196, 0.35215553644,
      ]),
    );
  });
});

test("a batched transform moves the batch to the front inside of its call", () => {
  expect(String(makeJaxpr(vmap((a: NDArray) => np.fft.fft(a), { inAxes: 1 }))(np.ones([3, 8])))).toBe(`\
{ lambda ; a:f32[3,8]. let
    b:c64[8,3] = jit[
      name=fft
      jaxpr={ lambda ; a:f32[3,8]. let
          c:c64[3,8] = convert_element_type[new_dtype=complex64 weak_type=False] a
          d:c64[8,3] = transpose[permutation=(1, 0)] c
          b:c64[8,3] = jit[
            name=fft
            jaxpr={ lambda ; d:c64[8,3]. let
                b:c64[8,3] = fft[fft_lengths=(3,) fft_type=0] d
              in (b,) }
          ] d
        in (b,) }
    ] a
  in (b,) }`);
});

test("the frequencies of the places", () => {
  expect(np.fft.fftfreq(5, 0.5).toJS()).toEqual([0, 0.4, 0.8, -0.8, -0.4].map(Math.fround));
  expect(np.fft.rfftfreq(4).toJS()).toEqual([0, 0.25, 0.5]);
  expect(np.fft.fftshift(np.arange(5)).toJS()).toEqual([3, 4, 0, 1, 2]);
  expect(np.fft.ifftshift(np.fft.fftshift(np.arange(5))).toJS()).toEqual([0, 1, 2, 3, 4]);
});

describe("bad input", () => {
  const x = np.ones([2, 4]);
  test("names what came", () => {
    expect(() => np.fft.rfft(lax.complex(x, x))).toThrow(RematValueError);
    expect(() => np.fft.fft(x, 0)).toThrow(/Shape should be positive: got s \(0,\)/);
    expect(() => np.fft.fftn(x, [4], { axes: [0, 1] })).toThrow(/different lengths/);
    expect(() => np.fft.fftn(x, { axes: [0, 0] })).toThrow(/repeated axes/);
    expect(() => np.fft.fft2(x, { axes: [0] })).toThrow(/only supports 2 axes/);
    expect(() => np.fft.fft(x, { norm: "half" as "ortho" })).toThrow(/Invalid norm value half/);
    expect(() => lax.fft(x, "dct" as "fft", [4])).toThrow(/Unknown FFT type 'dct'/);
    expect(() => lax.fft(x, "rfft", [3])).toThrow(/RFFT input shape \(2, 4\).*fft_lengths \(3,\)/);
  });
});
