//go:build !noasm

#include "textflag.h"
#include "go_asm.h"

// The look-up of group.probe and group.gatherRuns: see probe_amd64.s. Here 16 masks
// are 64 buckets.

// The four bits of an index, a byte each.
DATA spread<>+0(SB)/8, $0x0000000100000000
DATA spread<>+8(SB)/8, $0x0000010100000100
DATA spread<>+16(SB)/8, $0x0001000100010000
DATA spread<>+24(SB)/8, $0x0001010100010100
DATA spread<>+32(SB)/8, $0x0100000101000000
DATA spread<>+40(SB)/8, $0x0100010101000100
DATA spread<>+48(SB)/8, $0x0101000101010000
DATA spread<>+56(SB)/8, $0x0101010101010100
GLOBL spread<>(SB), RODATA|NOPTR, $64

// Bytes from 0 to 15, four times.
DATA lanes<>+0(SB)/8, $0x0706050403020100
DATA lanes<>+8(SB)/8, $0x0f0e0d0c0b0a0908
DATA lanes<>+16(SB)/8, $0x0706050403020100
DATA lanes<>+24(SB)/8, $0x0f0e0d0c0b0a0908
DATA lanes<>+32(SB)/8, $0x0706050403020100
DATA lanes<>+40(SB)/8, $0x0f0e0d0c0b0a0908
DATA lanes<>+48(SB)/8, $0x0706050403020100
DATA lanes<>+56(SB)/8, $0x0f0e0d0c0b0a0908
GLOBL lanes<>(SB), RODATA|NOPTR, $64

// Byte 0 of four, 16 times, then byte 1, and so on.
DATA each<>+0(SB)/8, $0x0000000000000000
DATA each<>+8(SB)/8, $0x0000000000000000
DATA each<>+16(SB)/8, $0x0101010101010101
DATA each<>+24(SB)/8, $0x0101010101010101
DATA each<>+32(SB)/8, $0x0202020202020202
DATA each<>+40(SB)/8, $0x0202020202020202
DATA each<>+48(SB)/8, $0x0303030303030303
DATA each<>+56(SB)/8, $0x0303030303030303
GLOBL each<>(SB), RODATA|NOPTR, $64

// RECORDS loads the records of buckets r, 4+r, 8+r and 12+r, whose offsets are at
// R14, into the quarters of Z.
#define RECORDS(r, X, Z) \
	MOVL         (4*r)(R14), AX          \
	MOVL         (16+4*r)(R14), BX       \
	MOVL         (32+4*r)(R14), R11      \
	MOVL         (48+4*r)(R14), R12      \
	VMOVDQU      (DI)(AX*1), X           \
	VINSERTI32X4 $1, (DI)(BX*1), Z, Z    \
	VINSERTI32X4 $2, (DI)(R11*1), Z, Z   \
	VINSERTI32X4 $3, (DI)(R12*1), Z, Z

// func probeFlips(x *fourfold)
TEXT ·probeFlips(SB), NOSPLIT, $128-8
	MOVQ         x+0(FP), DX
	LEAQ         64(SP), R14
	ANDQ         $~63, R14
	MOVQ         fourfold_records(DX), DI
	MOVQ         fourfold_masks(DX), SI
	MOVQ         fourfold_starts(DX), R8
	MOVQ         fourfold_ends(DX), R9
	MOVQ         fourfold_count(DX), CX
	VPBROADCASTD fourfold_key(DX), Z31
	MOVL         $1, AX
	VPBROADCASTD AX, Z30
	MOVL         $28, AX
	VPBROADCASTD AX, Z29
	MOVL         $15, AX
	VPBROADCASTD AX, Z28
	MOVL         $((const_maxRun+1)<<24), AX
	VPBROADCASTD AX, Z27
	VMOVDQU64    spread<>(SB), Z26
	VPXORD       Z23, Z23, Z23     // held
	VPXORD       Z22, Z22, Z22     // end
	KXORW        K7, K7, K7        // odd
	KXNORW       K1, K1, K1
	TESTQ        CX, CX
	JLE          over

loop:
	CMPQ         CX, $16
	JGE          whole
	MOVL         $1, AX
	SHLL         CX, AX
	DECL         AX
	KMOVW        AX, K1
whole:
	VMOVDQU32.Z  (SI), K1, Z0
	VPXORD       Z31, Z0, Z0
	VPSRLD       $5, Z0, Z1
	VPSLLD       $4, Z1, Z1
	VPANDD       Z29, Z0, Z0
	VMOVDQA32    Z1, (R14)
	VPSLLVD      Z0, Z30, Z10      // the bit of the first bucket
	VPSUBD       Z30, Z10, Z11     // those below
	RECORDS(0, X1, Z1)
	RECORDS(1, X2, Z2)
	RECORDS(2, X3, Z3)
	RECORDS(3, X4, Z4)
	VPUNPCKLDQ   Z2, Z1, Z5
	VPUNPCKLDQ   Z4, Z3, Z6
	VPUNPCKHDQ   Z2, Z1, Z7
	VPUNPCKHDQ   Z4, Z3, Z8
	VPUNPCKLQDQ  Z6, Z5, Z1        // base
	VPUNPCKHQDQ  Z6, Z5, Z2        // ones
	VPUNPCKLQDQ  Z8, Z7, Z3        // twos
	VPUNPCKHQDQ  Z8, Z7, Z4        // fours

	VPSRLVD      Z0, Z2, Z5
	VPSRLVD      Z0, Z3, Z6
	VPSRLVD      Z0, Z4, Z7
	VPANDD       Z5, Z6, Z8
	VPANDD       Z7, Z8, Z8
	VPTESTMD     Z28, Z8, K1, K2   // a bucket is full
	VPERMD       Z26, Z5, Z5
	VPERMD       Z26, Z6, Z6
	VPERMD       Z26, Z7, Z7
	VPANDD       Z11, Z2, Z2
	VPANDD       Z11, Z3, Z3
	VPANDD       Z11, Z4, Z4
	VPOPCNTD     Z2, Z2
	VPOPCNTD     Z3, Z3
	VPOPCNTD     Z4, Z4
	VPADDD       Z4, Z4, Z4
	VPADDD       Z4, Z3, Z3
	VPADDD       Z3, Z3, Z3
	VPADDD       Z1, Z2, Z2
	VPADDD       Z3, Z2, Z2        // start
	VPADDD       Z7, Z7, Z7
	VPADDD       Z7, Z6, Z6
	VPADDD       Z6, Z6, Z6
	VPADDD       Z6, Z5, Z5        // n
	VPSLLD       $8, Z5, Z6
	VPADDD       Z6, Z5, Z5
	VPSLLD       $16, Z5, Z6
	VPADDD.Z     Z6, Z5, K1, Z5    // ends
	VPCMPUD      $5, Z27, Z5, K1, K3
	KORW         K2, K7, K7
	KORW         K3, K7, K7
	VMOVDQU32    Z2, K1, (R8)
	VMOVDQU32    Z5, K1, (R9)
	VPSRLD       $24, Z5, Z5
	VPADDD       Z5, Z23, Z23
	VPADDD.Z     Z2, Z5, K1, Z5
	VPMAXUD      Z5, Z22, Z22

	ADDQ         $64, SI
	ADDQ         $64, R8
	ADDQ         $64, R9
	SUBQ         $16, CX
	JG           loop
over:
	KMOVW        K7, AX
	MOVL         AX, fourfold_odd(DX)
	VEXTRACTI64X4 $1, Z23, Y1
	VEXTRACTI64X4 $1, Z22, Y2
	VPADDD       Y1, Y23, Y1
	VPMAXUD      Y2, Y22, Y2
	VEXTRACTI128 $1, Y1, X3
	VEXTRACTI128 $1, Y2, X4
	VPADDD       X3, X1, X1
	VPMAXUD      X4, X2, X2
	VPSHUFD      $0x4e, X1, X3
	VPSHUFD      $0x4e, X2, X4
	VPADDD       X3, X1, X1
	VPMAXUD      X4, X2, X2
	VPSHUFD      $0xb1, X1, X3
	VPSHUFD      $0xb1, X2, X4
	VPADDD       X3, X1, X1
	VPMAXUD      X4, X2, X2
	VMOVD        X1, fourfold_held(DX)
	VMOVD        X2, fourfold_end(DX)
	VZEROUPPER
	RET

// func prefetchRuns(ids, starts, ends []uint32)
TEXT ·prefetchRuns(SB), NOSPLIT, $0-72
	MOVQ ids_base+0(FP), DI
	MOVQ starts_base+24(FP), SI
	MOVQ ends_base+48(FP), R8
	MOVQ ends_len+56(FP), CX
	XORL DX, DX
	JMP  test

loop:
	MOVL       (SI)(DX*4), AX
	MOVL       (R8)(DX*4), BX
	SHRL       $24, BX
	ADDQ       AX, BX
	PREFETCHT0 (DI)(AX*4)
	PREFETCHT0 -4(DI)(BX*4)
	INCQ       DX
test:
	CMPQ DX, CX
	JLT  loop
	RET

// KEEP copies those of the 16 numbers from AX on that are in K1 and whose sign is near.
// The bytes of lanes are compared with the ends of the buckets, in Z1.
// It destroys R13.
#define KEEP(lanes) \
	VPCMPUB       $5, Z1, lanes, K3                \
	VMOVDQU32.Z   (DI)(AX*4), K1, Z0               \
	VPBROADCASTD  (R11), Z2                        \
	KSHIFTRQ      $16, K3, K4                      \
	KSHIFTRQ      $32, K3, K5                      \
	VPXORD.BCST   4(R11), Z2, K3, Z2               \
	VPXORD.BCST   8(R11), Z2, K4, Z2               \
	VPXORD.BCST   12(R11), Z2, K5, Z2              \
	VPSRLVD       Z31, Z0, Z3                      \
	VPXORD        Z2, Z3, Z3                       \
	VPSLLD        $const_fourBits, Z3, Z3          \
	VPOPCNTD      Z3, Z3                           \
	VPCMPUD.BCST  $2, (R10)(R12*4), Z3, K1, K2     \
	VPANDD        Z29, Z0, Z0                      \
	VPTERNLOGD    $0xf8, Z28, Z2, Z0               \
	VPCOMPRESSD.Z Z0, K2, Z0                       \
	VMOVDQU32     Z0, (R8)                         \
	KMOVW         K2, R13                          \
	POPCNTL       R13, R13                         \
	LEAQ          (R8)(R13*4), R8

// gatherFlips copies the numbers of runs whose sign is near. It reads whole cache
// lines, as gatherAVX512.
//
// func gatherFlips(x *unpacking)
TEXT ·gatherFlips(SB), NOSPLIT, $0-8
	MOVQ         x+0(FP), DX
	MOVQ         unpacking_ids(DX), DI
	MOVQ         unpacking_out(DX), R8
	VPBROADCASTD unpacking_shift(DX), Z31
	VPBROADCASTD unpacking_mask(DX), Z29
	MOVL         $(3<<30), AX
	VPBROADCASTD AX, Z28
	VMOVDQU64    lanes<>(SB), Z27
	MOVL         $0x10101010, AX
	VPBROADCASTD AX, Z26
	VPADDB       Z26, Z27, Z26
	VMOVDQU64    each<>(SB), Z25
	LEAQ         unpacking_left(DX), R10
	XORL         CX, CX
	CMPQ         CX, unpacking_count(DX)
	JGE          done

loop:
	MOVQ         unpacking_ends(DX), R9
	MOVQ         unpacking_starts(DX), SI
	MOVL         (R9)(CX*4), R13
	MOVL         (SI)(CX*4), AX
	MOVQ         unpacking_masks(DX), SI
	MOVQ         unpacking_dists(DX), R9
	MOVL         (SI)(CX*4), R11
	MOVBLZX      (R9)(CX*1), R12
	ANDL         $3, R11
	SHLL         $4, R11
	LEAQ         unpacking_steps(DX)(R11*1), R11
	MOVL         R13, SI
	SHRL         $24, SI
	MOVL         $-1, BX
	BZHIL        SI, BX, BX
	MOVL         AX, R9
	ANDL         $15, R9
	XORL         R9, AX
	SHLXL        R9, BX, BX
	IMUL3L       $0x01010101, R9, R9
	ADDL         R9, R13
	VPBROADCASTD R13, Z1
	VPSHUFB      Z25, Z1, Z1
	KMOVW        BX, K1
	KEEP(Z27)
	SHRL         $16, BX
	JNZ          second
next:
	INCQ         CX
	CMPQ         CX, unpacking_count(DX)
	JLT          loop
done:
	SUBQ         unpacking_out(DX), R8
	SHRQ         $2, R8
	MOVQ         R8, unpacking_kept(DX)
	VZEROUPPER
	RET
second:
	ADDL         $16, AX
	KMOVW        BX, K1
	KEEP(Z26)
	JMP          next
