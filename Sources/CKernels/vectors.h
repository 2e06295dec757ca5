// What the kernels share: run-time dispatch, a 16-lane vector type and the exponential.
//
// Rules (measured with clang 21): helpers that take a 16-lane vector by value must be macros, because a function would
// change the ABI between clones; `reassociate(on)` must never cover the exponential, whose rounding trick it would undo.
#ifndef FSOT_VECTORS_H
#define FSOT_VECTORS_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__) && defined(__linux__)
#define FSOT_DISPATCH __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define FSOT_DISPATCH
#endif

typedef float v16 __attribute__((vector_size(64), aligned(4)));
typedef int32_t i16 __attribute__((vector_size(64), aligned(4)));

#define LOAD16(p) (*(const v16 *)(p))
#define STORE16(p, v) (*(v16 *)(p) = (v))
#define SPLAT16(s) ((v16){0} + (s))

// The exponential by Cody-Waite reduction and the Cephes polynomial of degree 7: relative error below 2e-7 for
// -87 <= x <= 88, clamped outside. Adding 1.5 * 2^23 rounds to the nearest integer and leaves it in the low mantissa bits.
#define EXP16(result, argument)                                                                                        \
    v16 result;                                                                                                        \
    do {                                                                                                               \
        v16 x_ = (argument);                                                                                           \
        x_ = __builtin_elementwise_min(__builtin_elementwise_max(x_, SPLAT16(-87.0f)), SPLAT16(88.0f));                 \
        v16 t_ = x_ * 1.44269504f + 12582912.0f;                                                                       \
        v16 n_ = t_ - 12582912.0f;                                                                                     \
        v16 r_ = x_ - n_ * 0.693145751953125f - n_ * 1.42860677e-6f;                                                   \
        v16 p_ = SPLAT16(1.9875691500e-4f);                                                                            \
        p_ = p_ * r_ + 1.3981999507e-3f;                                                                               \
        p_ = p_ * r_ + 8.3334519073e-3f;                                                                               \
        p_ = p_ * r_ + 4.1665795894e-2f;                                                                               \
        p_ = p_ * r_ + 1.6666665459e-1f;                                                                               \
        p_ = p_ * r_ + 5.0000001201e-1f;                                                                               \
        p_ = p_ * r_ * r_ + r_ + 1.0f;                                                                                 \
        result = p_ * (v16)(((i16)t_ + 127) << 23);                                                                    \
    } while (0)

// The same exponential for one number: for tails, and for loops that the compiler vectorises itself.
static inline __attribute__((always_inline)) float fsot_exp(float x) {
    x = x < -87.0f ? -87.0f : x;
    x = x > 88.0f ? 88.0f : x;
    float t = x * 1.44269504f + 12582912.0f;
    float n = t - 12582912.0f;
    float r = x - n * 0.693145751953125f - n * 1.42860677e-6f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    int32_t bits;
    memcpy(&bits, &t, sizeof bits);
    bits = (int32_t)((uint32_t)(bits + 127) << 23);
    float power;
    memcpy(&power, &bits, sizeof power);
    return p * power;
}
#endif
