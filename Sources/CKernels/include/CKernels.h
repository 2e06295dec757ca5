// The hot loops of the tensor engine. All matrices are row-major and contiguous unless a stride is given; sizes are
// element counts; no pointer may be null unless said so; outputs may alias an input only where it is said.
#ifndef FSOT_CKERNELS_H
#define FSOT_CKERNELS_H
#include <stddef.h>
#include <stdint.h>

// MARK: - elementwise.c
void fsot_add(const float *a, const float *b, float *out, size_t n);           // out may be a or b
void fsot_add_into(float *sum, const float *x, size_t n);                      // sum += x
void fsot_axpy(float *y, float alpha, const float *x, size_t n);               // y += alpha x
void fsot_scale(float *out, const float *x, float alpha, size_t n);            // out may be x
double fsot_sum_of_squares(const float *x, size_t n);                          // in float64
double fsot_inner_product(const float *a, const float *b, size_t n);           // in float64
int fsot_all_finite(const float *x, size_t n);                                 // 1 when no NaN and no infinity
void fsot_add_columns(double *sums, const float *x, size_t rows, size_t n);    // sums[j] += sum_i x[i][j]
void fsot_squared_difference(const float *a, const float *b, size_t n, double *difference, double *square_of_b);
void fsot_scaled_difference(float *out, const float *a, const float *b, float alpha, size_t n, int accumulate);

// MARK: - norms.c
void fsot_rmsnorm(const float *x, const float *w, float *y, float *rstd, size_t rows, size_t n, float eps);
void fsot_rmsnorm_apply(const float *x, const float *w, const float *rstd, float *y, size_t rows, size_t n);
void fsot_rmsnorm_backward(const float *dy, const float *x, const float *w, const float *rstd, float *dx, size_t rows,
                           size_t n, int accumulate);
void fsot_rmsnorm_weight_gradient(double *dw, const float *dy, const float *x, const float *rstd, size_t rows, size_t n);
void fsot_layernorm(const float *x, const float *w, const float *b, float *y, float *mean, float *rstd, size_t rows,
                    size_t n, float eps);
void fsot_layernorm_apply(const float *x, const float *w, const float *b, const float *mean, const float *rstd, float *y,
                          size_t rows, size_t n);
void fsot_layernorm_backward(const float *dy, const float *x, const float *w, const float *mean, const float *rstd,
                             float *dx, size_t rows, size_t n, int accumulate);
void fsot_layernorm_weight_gradient(double *dw, const float *dy, const float *x, const float *mean, const float *rstd,
                                    size_t rows, size_t n);

// MARK: - activations.c
void fsot_swiglu(const float *gate, const float *up, float *y, size_t n);
// dgate may be dy or gate, dup may be dy or up (but not both dy).
void fsot_swiglu_backward(const float *dy, const float *gate, const float *up, float *dgate, float *dup, size_t n);
void fsot_gelu(const float *x, float *y, size_t n);
void fsot_gelu_backward(const float *dy, const float *x, float *dx, size_t n);  // dx may be dy
void fsot_relu(const float *x, float *y, size_t n);
void fsot_relu_backward(const float *dy, const float *x, float *dx, size_t n);  // dx may be dy
// Rotates pairs (i, i + half) of each head; cosine and sine: one row of `half` per row of x. sign +1 forward, -1 backward.
void fsot_rotary(const float *x, float *y, const float *cosine, const float *sine, size_t heads, size_t half,
                 float sign);                                                   // one row; y may be x

// MARK: - attention.c
// scores: `rows` rows of `n` used columns, `stride` apart; row r may see the first `first + (r % block) + 1` columns.
void fsot_causal_softmax(float *scores, size_t rows, size_t n, size_t stride, size_t first, size_t block, float *lse);
void fsot_causal_probabilities(float *scores, size_t rows, size_t n, size_t stride, size_t first, size_t block,
                               const float *lse);
// dscores = p * (dp - delta), written over dp.
void fsot_score_gradient(float *dp, const float *p, const float *delta, size_t rows, size_t n, size_t stride);
float fsot_dot(const float *a, const float *b, size_t n);
// One new token: `group` query heads of size d over n keys and values, `stride` apart. scores: scratch of group * n.
void fsot_decode_attention(const float *q, size_t group, size_t d, const float *keys, const float *values, size_t stride,
                           size_t n, float scale, float *scores, float *out);

// MARK: - crossentropy.c
// Writes exp(z - max) over z; returns the sum of the exponentials, and the maximum through `maximum`.
double fsot_exponentials(float *z, size_t n, float *maximum);
// Sum of exp(z - max) without writing; and the sums over v of e, e d, e d^2 with d = z - shift, e = exp(d).
double fsot_exponential_sum(const float *z, size_t n, float *maximum);
void fsot_log_moments(const float *z, size_t n, float shift, double moments[3]);
// KL(softmax(teacher) ‖ softmax(student)); `student` becomes scale · (softmax(student) − softmax(teacher)).
double fsot_divergence(const float *teacher, float *student, size_t n, float scale);

// MARK: - optimizers.c
// torch.optim.AdamW: p *= decay; m, v updated; p -= step * m / (sqrt(v) * inverse_root + epsilon).
void fsot_adamw(float *p, const float *g, float *m, float *v, size_t n, float step, float beta1, float beta2,
                float epsilon, float decay, float inverse_root, float gradient_scale);
void fsot_sgd(float *p, const float *g, float *velocity /* null without momentum */, size_t n, float rate,
              float momentum, float decay, float gradient_scale, int first);

// MARK: - conversions.c
void fsot_bf16_to_f32(const uint16_t *x, float *y, size_t n);
void fsot_f32_to_bf16(const float *x, uint16_t *y, size_t n);  // nearest even, NaN stays NaN
void fsot_f16_to_f32(const uint16_t *x, float *y, size_t n);
void fsot_f32_to_f16(const float *x, uint16_t *y, size_t n);   // nearest even, overflow to infinity

/// A hint to the processor that the caller is spinning.
static inline void fsot_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

// MARK: - processors.c
int fsot_processors(void);                                                      // that this process may run on; 0: unknown

// MARK: - bf16_packing.c: layouts are described in bf16.h; x holds float, or bf16 where `is_half`
int fsot_bf16_available(void);
void fsot_bf16_rows(const float *x, size_t rows, size_t n, size_t stride, float scale, uint16_t *y, size_t ld);
void fsot_bf16_floats(const uint16_t *x, float *y, size_t n);
void fsot_bf16_pairs(const void *x, int is_half, size_t rows, size_t n, size_t stride, uint32_t *y, size_t ld);
void fsot_bf16_panel_of_rows(const void *x, int is_half, size_t rows, size_t n, size_t stride, uint32_t *panel);
void fsot_bf16_panel_of_columns(const void *x, int is_half, size_t n, size_t k, size_t stride, uint32_t *panel);

// MARK: - bf16_gemm.c
// c[m][n] = alpha row_scale[i] (a . b) (+ c): rows of a are `row_step` words apart, its pairs `pair_step` (1: "rows",
// else "pairs" with row_step 1); panels, of `packed` >= n columns in all, are `panel_step` words apart.
void fsot_bf16_gemm(size_t m, size_t n, size_t pairs, const uint32_t *a, size_t row_step, size_t pair_step,
                    const uint32_t *panels, size_t packed, size_t panel_step, float *c, size_t ldc, float alpha,
                    const float *row_scale, int accumulates);

// MARK: - bf16_attention.c
// From float scores of `rows` rows, row r of which may see the first `first + r + 1` of n columns: e = exp(s - max) in bf16
// (zeros elsewhere), 1 / sum and max + log(sum) (null: none; entries `lse_step` apart). Strides are multiples of 16.
void fsot_bf16_causal_softmax(const float *scores, size_t rows, size_t n, size_t stride, size_t first, uint16_t *e,
                              size_t ld, float *inverse, float *lse, size_t lse_step);
// p = exp(s - lse) over the scores; ds = p (dp - sum p dp); p and ds as "pairs", ds also as "rows", all `stride` apart.
void fsot_bf16_score_gradients(float *scores, const float *dp, size_t rows, size_t n, size_t stride, size_t first,
                               const float *lse, size_t lse_step, uint32_t *p_pairs, uint16_t *ds, uint32_t *ds_pairs);
// e = exp(z - max) in bf16 (null: not written); returns its sum in float.
float fsot_bf16_exponentials(const float *z, size_t n, uint16_t *e, float *maximum);

// MARK: - bf16_elementwise.c: contiguous rows of even length
void fsot_bf16_rmsnorm(const float *x, const float *w, uint16_t *y, float *rstd, size_t rows, size_t n, float eps);
void fsot_bf16_rmsnorm_apply(const float *x, const float *w, const float *rstd, uint16_t *y, size_t rows, size_t n);
// gate_half and up_half: the inputs rounded, for the backward pass (null: none).
void fsot_bf16_swiglu(const float *gate, const float *up, uint16_t *y, uint16_t *gate_half, uint16_t *up_half, size_t n);
void fsot_bf16_swiglu_apply(const uint16_t *gate, const uint16_t *up, uint16_t *y, size_t n);
void fsot_bf16_swiglu_backward(const float *dy, const uint16_t *gate, const uint16_t *up, uint16_t *dgate, uint16_t *dup,
                               size_t n);

#endif
