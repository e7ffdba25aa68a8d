/** The texts of programs of functions that are made of others: JAX 0.10.2's own, equation by equation. */
import { expect, test } from "vitest";
import { makeJaxpr, np, scipy, type NDArray } from "../src/index.ts";

const x = np.ones([3]);
const counts = np.array([1, 2, 1], "int32");
const text = (fn: (...xs: NDArray[]) => NDArray, args: readonly (NDArray | number)[]): string =>
  String(makeJaxpr(fn as never)(...(args as never[])));

test("gamma", () => {
  expect(text((x) => scipy.special.gamma(x), [x])).toBe(`let gammasgn = { lambda ; a:f32[3]. let
    b:f32[3] = floor a
    c:bool[3] = lt a 0.0:f32[]
    d:bool[3] = eq a b
    e:bool[3] = and c d
    f:bool[3] = ne a a
    g:bool[3] = or e f
    h:f32[3] = jit[
      name=remainder
      jaxpr={ lambda ; b:f32[3] i:i32[]. let
          j:f32[] = convert_element_type[new_dtype=float32 weak_type=False] i
          k:f32[3] = rem b j
          l:bool[3] = ne k 0.0:f32[]
          m:bool[3] = lt k 0.0:f32[]
          n:bool[] = lt j 0.0:f32[]
          o:bool[3] = ne m n
          p:bool[3] = and o l
          q:f32[3] = add k j
          h:f32[3] = select_n p k q
        in (h,) }
    ] b 2:i32[]
    r:bool[3] = ne h 0.0:f32[]
    s:bool[3] = and c r
    t:bool[3] = eq a 0.0:f32[]
    u:bool[3] = jit[
      name=signbit
      jaxpr={ lambda ; a:f32[3]. let
          v:i32[3] = bitcast_convert_type[new_dtype=int32] a
          w:i32[3] = shift_right_arithmetic v 31:i32[]
          u:bool[3] = convert_element_type[new_dtype=bool weak_type=False] w
        in (u,) }
    ] a
    x:bool[3] = and t u
    y:bool[3] = or s x
    z:bool[3] = broadcast_in_dim False:bool[]
    ba:bool[3,3] = stack[axis=0] z g y
    bb:i32[3] = argmax[axes=(0,) index_dtype=int32] ba
    bc:f32[3] = broadcast_in_dim 1.0:f32[]
    bd:f32[3] = broadcast_in_dim nan:f32[]
    be:f32[3] = broadcast_in_dim -1.0:f32[]
    bf:f32[3] = select_n bb bc bd be
  in (bf,) } in
{ lambda ; bg:f32[3]. let
    bh:f32[3] = jit[name=gammasgn jaxpr=gammasgn] bg
    bi:f32[3] = lgamma bg
    bj:f32[3] = exp bi
    bk:f32[3] = mul bh bj
  in (bk,) }`);
});

test("betaln", () => {
  expect(text((x, y) => scipy.special.betaln(x, y), [x, x]))
    .toBe(`let _where = { lambda ; a:bool[3] b:f32[3] c:f32[3]. let
    d:f32[3] = select_n a c b
  in (d,) } in
{ lambda ; e:f32[3] f:f32[3]. let
    g:f32[3] = min e f
    h:f32[3] = max e f
    i:f32[3] = lgamma g
    j:f32[3] = lgamma h
    k:f32[3] = add g h
    l:f32[3] = lgamma k
    m:f32[3] = sub j l
    n:f32[3] = add i m
    o:f32[3] = lgamma g
    p:f32[3] = div g h
    q:f32[3] = add 1.0:f32[] p
    r:f32[3] = div p q
    s:f32[3] = add 1.0:f32[] p
    t:f32[3] = div p s
    u:f32[3] = sub g 0.5:f32[]
    v:f32[3] = add h u
    w:f32[3] = mul t t
    x:f32[3] = add t w
    y:f32[3] = add 1.0:f32[] x
    z:f32[3] = mul w y
    ba:f32[3] = add t z
    bb:f32[3] = add 1.0:f32[] ba
    bc:f32[3] = mul w bb
    bd:f32[3] = add t bc
    be:f32[3] = add 1.0:f32[] bd
    bf:f32[3] = mul w be
    bg:f32[3] = add t bf
    bh:f32[3] = add 1.0:f32[] bg
    bi:f32[3] = mul w bh
    bj:f32[3] = add t bi
    bk:f32[3] = add 1.0:f32[] bj
    bl:f32[3] = div 1.0:f32[] h
    bm:f32[3] = integer_pow[y=2] bl
    bn:f32[3] = mul -0.0016532295849174261:f32[] bk
    bo:f32[3] = mul bn bm
    bp:f32[3] = mul 0.0008373080054298043:f32[] bh
    bq:f32[3] = add bo bp
    br:f32[3] = mul bq bm
    bs:f32[3] = mul -0.0005952029023319483:f32[] be
    bt:f32[3] = add br bs
    bu:f32[3] = mul bt bm
    bv:f32[3] = mul 0.0007936506881378591:f32[] bb
    bw:f32[3] = add bu bv
    bx:f32[3] = mul bw bm
    by:f32[3] = mul -0.0027777778450399637:f32[] y
    bz:f32[3] = add bx by
    ca:f32[3] = mul bz bm
    cb:f32[3] = add ca 0.0833333358168602:f32[]
    cc:f32[3] = div r h
    cd:f32[3] = mul cb cc
    ce:f32[3] = div g h
    cf:f32[3] = log1p ce
    cg:f32[3] = mul v cf
    ch:f32[3] = log h
    ci:f32[3] = sub ch 1.0:f32[]
    cj:f32[3] = mul g ci
    ck:bool[3] = le cg cj
    cl:f32[3] = sub cd cj
    cm:f32[3] = sub cl cg
    cn:f32[3] = sub cd cg
    co:f32[3] = sub cn cj
    cp:f32[3] = jit[name=_where jaxpr=_where] ck cm co
    cq:f32[3] = add o cp
    cr:bool[3] = lt h 8.0:f32[]
    cs:f32[3] = jit[name=_where jaxpr=_where] cr n cq
  in (cs,) }`);
});

test("argpartition", () => {
  expect(text((x) => np.argpartition(x, 1), [x])).toBe(`let argpartition = { lambda ; a:f32[3]. let
    b:f32[3] = neg a
    c:f32[2] d:i32[2] = top_k[axis=0 k=2] b
    e:f32[3] = broadcast_in_dim 1.0:f32[]
    f:bool[2] = lt d 0:i32[]
    g:i32[2] = add d 3:i32[]
    h:i32[2] = select_n f d g
    i:i32[2,1] = broadcast_in_dim[broadcast_dimensions=(0,)] h
    j:f32[2] = broadcast_in_dim 0.0:f32[]
    k:f32[3] = scatter[
      dimension_numbers=ScatterDimensionNumbers(update_window_dims=(), inserted_window_dims=(0,), scatter_dims_to_operand_dims=(0,), operand_batching_dims=(), scatter_indices_batching_dims=())
      indices_are_sorted=False
      mode=GatherScatterMode.FILL_OR_DROP
      unique_indices=False
      update_consts=()
      update_jaxpr=None
    ] e i j
    l:f32[1] m:i32[1] = top_k[axis=0 k=1] k
    n:i32[3] = concatenate[dimension=0] d m
  in (n,) } in
{ lambda ; o:f32[3]. let
    p:i32[3] = jit[name=argpartition jaxpr=argpartition] o
  in (p,) }`);
});

test("clip by keyword", () => {
  expect(text((x) => x.clip(0.5, 1.5), [x])).toBe(`{ lambda ; a:f32[3]. let
    b:f32[3] = jit[
      name=clip
      jaxpr={ lambda ; a:f32[3] c:f32[] d:f32[]. let
          e:f32[] = convert_element_type[new_dtype=float32 weak_type=False] d
          f:f32[3] = max e a
          g:f32[] = convert_element_type[new_dtype=float32 weak_type=False] c
          b:f32[3] = min g f
        in (b,) }
    ] a 1.5:f32[] 0.5:f32[]
  in (b,) }`);
});

test("clip by position", () => {
  expect(text((x) => np.clip(x, 0.5, 1.5), [x])).toBe(`{ lambda ; a:f32[3]. let
    b:f32[3] = jit[
      name=clip
      jaxpr={ lambda ; a:f32[3] c:f32[] d:f32[]. let
          e:f32[] = convert_element_type[new_dtype=float32 weak_type=False] c
          f:f32[3] = max e a
          g:f32[] = convert_element_type[new_dtype=float32 weak_type=False] d
          b:f32[3] = min g f
        in (b,) }
    ] a 0.5:f32[] 1.5:f32[]
  in (b,) }`);
});

test("roll by a computed shift", () => {
  expect(text((x, s) => np.roll(x, s), [x, 1])).toBe(`let _roll_dynamic = { lambda ; a:f32[3] b:i32[]. let
    c:i32[1] = broadcast_in_dim b
    d:i32[1] = slice[limit_indices=(1,) start_indices=(0,) strides=(1,)] c
    e:i32[] = squeeze[dimensions=(0,)] d
    f:i32[] = convert_element_type[new_dtype=int32 weak_type=False] e
    g:i32[] = max 3:i32[] 1:i32[]
    h:i32[] = jit[
      name=remainder
      jaxpr={ lambda ; f:i32[] g:i32[]. let
          i:bool[] = eq g 0:i32[]
          j:i32[] = jit[
            name=_where
            jaxpr={ lambda ; i:bool[] k:i32[] g:i32[]. let
                j:i32[] = select_n i g k
              in (j,) }
          ] i 1:i32[] g
          l:i32[] = rem f j
          m:bool[] = ne l 0:i32[]
          n:bool[] = lt l 0:i32[]
          o:bool[] = lt j 0:i32[]
          p:bool[] = ne n o
          q:bool[] = and p m
          r:i32[] = add l j
          h:i32[] = select_n q l r
        in (h,) }
    ] f g
    s:f32[6] = concatenate[dimension=0] a a
    t:i32[] = sub 3:i32[] h
    u:bool[] = lt t 0:i32[]
    v:i32[] = add t 6:i32[]
    w:i32[] = select_n u t v
    x:f32[3] = dynamic_slice[slice_sizes=(3,)] s w
  in (x,) } in
{ lambda ; y:f32[3] z:i32[]. let
    ba:f32[3] = jit[name=_roll_dynamic jaxpr=_roll_dynamic] y z
  in (ba,) }`);
});

test("repeat by computed counts", () => {
  expect(text((x, n) => np.repeat(x, n, { totalRepeatLength: 4 }), [x, counts])).toBe(`{ lambda ; a:f32[3] b:i32[3]. let
    c:i32[3] = jit[
      name=_roll_static
      jaxpr={ lambda ; b:i32[3]. let
          d:i32[1] = slice[limit_indices=(3,) start_indices=(2,) strides=(1,)] b
          e:i32[2] = slice[limit_indices=(2,) start_indices=(0,) strides=(1,)] b
          c:i32[3] = concatenate[dimension=0] d e
        in (c,) }
    ] b
    f:i32[1] = broadcast_in_dim 0:i32[]
    g:i32[3] = scatter[
      dimension_numbers=ScatterDimensionNumbers(update_window_dims=(), inserted_window_dims=(0,), scatter_dims_to_operand_dims=(0,), operand_batching_dims=(), scatter_indices_batching_dims=())
      indices_are_sorted=True
      mode=GatherScatterMode.FILL_OR_DROP
      unique_indices=True
      update_consts=()
      update_jaxpr=None
    ] c f 0:i32[]
    h:i32[3] = jit[
      name=cumsum
      jaxpr={ lambda ; g:i32[3]. let
          h:i32[3] = cumsum[axis=0 reverse=False] g
        in (h,) }
    ] g
    i:i32[4] = broadcast_in_dim 0:i32[]
    j:bool[3] = lt h 0:i32[]
    k:i32[3] = add h 4:i32[]
    l:i32[3] = select_n j h k
    m:i32[3,1] = broadcast_in_dim[broadcast_dimensions=(0,)] l
    n:i32[3] = broadcast_in_dim 1:i32[]
    o:i32[4] = scatter-add[
      dimension_numbers=ScatterDimensionNumbers(update_window_dims=(), inserted_window_dims=(0,), scatter_dims_to_operand_dims=(0,), operand_batching_dims=(), scatter_indices_batching_dims=())
      indices_are_sorted=False
      mode=GatherScatterMode.FILL_OR_DROP
      unique_indices=False
      update_consts=()
      update_jaxpr={ lambda ; p:i32[] q:i32[]. let r:i32[] = add p q in (r,) }
    ] i m n
    s:i32[4] = jit[
      name=cumsum
      jaxpr={ lambda ; o:i32[4]. let
          s:i32[4] = cumsum[axis=0 reverse=False] o
        in (s,) }
    ] o
    t:i32[4] = sub s 1:i32[]
    u:f32[4] = jit[
      name=_take
      jaxpr={ lambda ; a:f32[3] t:i32[4]. let
          v:bool[4] = lt t 0:i32[]
          w:i32[4] = add t 3:i32[]
          x:i32[4] = jit[
            name=_where
            jaxpr={ lambda ; v:bool[4] w:i32[4] t:i32[4]. let
                x:i32[4] = select_n v t w
              in (x,) }
          ] v w t
          y:i32[4,1] = broadcast_in_dim[broadcast_dimensions=(0,)] x
          u:f32[4] = gather[
            dimension_numbers=GatherDimensionNumbers(offset_dims=(), collapsed_slice_dims=(0,), start_index_map=(0,), operand_batching_dims=(), start_indices_batching_dims=())
            fill_value=nan
            indices_are_sorted=False
            mode=GatherScatterMode.FILL_OR_DROP
            slice_sizes=(1,)
            unique_indices=False
          ] a y
        in (u,) }
    ] a t
  in (u,) }`);
});

test("repeat and roll give the numbers of NumPy", () => {
  expect(np.repeat(np.arange(3), [1, 2, 1]).toJS()).toEqual([0, 1, 1, 2]);
  expect(np.repeat(np.arange(3), counts, { totalRepeatLength: 5 }).toJS()).toEqual([0, 1, 1, 2, 2]);
  expect(np.roll(np.arange(5), 2).toJS()).toEqual([3, 4, 0, 1, 2]);
});

test("booleans are not rounded", () => {
  expect(() => np.round(true)).toThrow("data type bool");
});
