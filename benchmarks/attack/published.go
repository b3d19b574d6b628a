package attack

// The first set of constants. A unit of hue is two degrees, and sizes of text
// are in px.

func published() []recipe {
	var all []recipe
	for _, part := range [][]recipe{
		publishedFiles(), publishedTones(), publishedGeometry(), publishedOverlays(), publishedPages(),
		publishedBackgrounds(), publishedCameras(), publishedCombinations(),
	} {
		all = append(all, part...)
	}
	return all
}

func publishedFiles() []recipe {
	return []recipe{
		attack("identity", "identity").as(asPNG()),
		attack("jpeg", "jpeg_q90").as(asJPEG(90)),
		attack("jpeg", "jpeg_q50").as(asJPEG(50)),
		attack("jpeg", "jpeg_q20").as(asJPEG(20)),
		attack("resize", "resize_50", resize(0.5, 0.5)),
		attack("resize", "resize_25", resize(0.25, 0.25)),
		attack("resize", "resize_nonuni10", resize(1, 0.9)),
		attack("format", "png").as(asPNG()),
		attack("format", "webp_75").as(asWebP(75)),
		attack("format", "webp_30").as(asWebP(30)),
	}
}

func publishedTones() []recipe {
	return []recipe{
		attack("tone", "bright_+25", bright(25)),
		attack("tone", "bright_+60", bright(60)),
		attack("tone", "bright_-60", bright(-60)),
		attack("tone", "contrast_1.4", contrast(1.4)),
		attack("tone", "contrast_0.6", contrast(0.6)),
		attack("tone", "gamma_0.6", gamma(0.6)),
		attack("tone", "gamma_1.8", gamma(1.8)),
		attack("colour", "sat_0.4", saturate(0.4)),
		attack("colour", "sat_1.8", saturate(1.8)),
		attack("colour", "gray", saturate(0)),
		attack("colour", "wb_warm", balance(1.15, 1, 0.8)),
		attack("colour", "wb_cool", balance(0.8, 1, 1.15)),
		attack("colour", "hue_shift20", hue(40)),
		attack("filter", "blur_1", blur(1)),
		attack("filter", "blur_3", blur(3)),
		attack("filter", "sharpen_1", sharpen(1, 1.5)),
		attack("filter", "sharpen_3", sharpen(3, 1.5)),
		attack("filter", "noise_8", noise(8)),
		attack("filter", "noise_25", noise(25)),
	}
}

func publishedGeometry() []recipe {
	white, black := rgb(255, 255, 255), rgb(0, 0, 0)
	return []recipe{
		attack("mirror", "flip_h", mirror),
		attack("rot90", "rot_90", quarter(1)),
		attack("rot90", "rot_180", quarter(2)),
		attack("rot90", "rot_270", quarter(3)),
		attack("rot_small", "rot_2_fill", rotate(2, ofTheEdge)),
		attack("rot_small", "rot_5_fill", rotate(5, ofTheEdge)),
		attack("rot_small", "rot_10_fill", rotate(10, ofTheEdge)),
		attack("rot_small", "rot_5_crop", rotateInside(5)),
		attack("crop", "crop_5", crop(0.05)),
		attack("crop", "crop_10", crop(0.10)),
		attack("crop", "crop_20", crop(0.20)),
		attack("crop", "crop_40", crop(0.40)),
		attack("crop", "crop_centre20", cropMiddle(0.8, 0.8)),
		attack("crop", "crop_side25", cropSide(0.25)),
		attack("aspect", "aspect_4:3", resize(1, 0.75)),
		attack("aspect", "aspect_16:9", resize(1, 0.5625)),
		attack("border", "pad_white_5", pad(even(0.05), always(white))),
		attack("border", "pad_white_15", pad(even(0.15), always(white))),
		attack("border", "pad_white_30", pad(even(0.30), always(white))),
		attack("border", "pad_black_15", pad(even(0.15), always(black))),
		attack("border", "pad_colour_15", pad(even(0.15), anyColour(0, 255))),
		attack("border_blur", "pad_blur_15", padBlurred(even(0.15), 12, 1)),
		attack("border", "letterbox_story", letterbox(portrait(16.0/9), black, white, 1.3)),
		attack("border", "letterbox_square", letterbox(square, white, white, 1.3)),
	}
}

// shop24 is the small mark in a corner.
func shop24() step {
	return watermark(mark{text: "@shop24", size: ofShorter(1.0 / 11), x: 0.62, y: 0.88,
		ink: rgba(255, 255, 255, 150), outline: 1, rim: rgba(40, 40, 40, 120)})
}

// sale is the band across the picture.
func sale(high float64) step {
	return banner(band{high: high, lines: []string{"SALE -50% FREE SHIP"}, paint: anyColour(0, 255), ink: rgb(255, 255, 255),
		size: 0.55, most: 1.0 / 13, x: 0.05, y: 0.2})
}

// yellowTag is the price tag.
func yellowTag(area float64) step {
	return priceTag(tag{area: area, wide: 1.2, high: 0.83, shape: ticket(0.1), fill: rgb(250, 210, 20), ink: rgb(200, 0, 0),
		rim: 3, text: "$%d.99", size: 0.32, tx: 0.1, ty: 0.2})
}

func publishedOverlays() []recipe {
	sample := func(alpha uint8) step {
		return watermarks(tiling{text: "SAMPLE", ink: rgba(128, 128, 128, alpha), size: 1.0 / 14, rows: 2.6, words: 6, indent: 3})
	}
	return []recipe{
		attack("watermark", "wm_corner", shop24()),
		attack("watermark", "logo_corner", logo(badge{diameter: 0.22, places: [2][2]float64{{0.04, 0.04}, {0.74, 0.04}},
			fill: rgb(210, 30, 40), shape: disc, text: "NEW", size: 0.28, x: 0.2, y: 0.3})),
		attack("watermark", "wm_tiled_light", sample(70)),
		attack("watermark", "wm_tiled_heavy", sample(170)),
		attack("watermark", "wm_centre", watermark(mark{text: "BEST DEALS", size: ofWidth(1 / 7.5), x: 0.08, y: 0.4,
			ink: rgba(255, 255, 255, 150), outline: 2, rim: rgba(0, 0, 0, 150)})),
		attack("banner", "banner_5", sale(0.05)),
		attack("banner", "banner_15", sale(0.15)),
		attack("banner", "banner_30", sale(0.30)),
		attack("tag", "tag_5", yellowTag(0.05)),
		attack("tag", "tag_15", yellowTag(0.15)),
		attack("tag", "tag_30", yellowTag(0.30)),
		attack("tag", "emoji_5x", stickers(times(5, sticker{shape: disc, fill: rgb(255, 205, 40), face: true, diameter: 0.13})...)),
	}
}

func publishedPages() []recipe {
	black := rgb(0, 0, 0)
	return []recipe{
		attack("screenshot", "shot_tight", shotTight),
		attack("screenshot", "shot_shop", shotShop),
		attack("screenshot", "shot_chat", shotChat),
		attack("collage", "collage_2", collage(600, 390, black, grid(2, 1, 300, 390, 0)...)),
		attack("collage", "collage_4", collage(600, 600, black, grid(2, 2, 300, 300, 0)...)),
		attack("compose", "compose_70", compose(640, 640, 0.7, trim{})),
		attack("compose", "compose_50", compose(640, 640, 0.5, trim{})),
		attack("compose", "compose_30", compose(640, 640, 0.3, trim{})),
	}
}

func publishedBackgrounds() []recipe {
	grey := func(v uint8) (r, g, b uint8) { return v, v, v }
	return plainOnly(
		attack("background", "bg_colour", replaceBackground(plainGround(anyColour(60, 229)))),
		attack("background", "bg_grad", replaceBackground(gradient(rgb(grey(40)), rgb(grey(230)), false))),
		attack("background", "bg_photo", replaceBackground(scene)),
		attack("background", "recolour_30", recolour(60)),
		attack("background", "recolour_90", recolour(180)),
	)
}

// plainOnly marks attacks that need a plain background.
func plainOnly(all ...recipe) []recipe {
	for i := range all {
		all[i].PlainOnly = true
	}
	return all
}

// screen is the first set's photo of a screen.
func screen(amplitude float64) step {
	return moire(screenPhoto{amplitude: amplitude, waves: [2]float64{1.9, 2.1}, lo: 0.1, hi: 0.6, sigma: 0.9,
		vignette: 0.25, gain: [3]float32{1.03, 1, 0.93}, deviation: 3})
}

func publishedCameras() []recipe {

	return []recipe{
		attack("perspective", "persp_5", perspective(0.05, dark())),
		attack("perspective", "persp_12", perspective(0.12, dark())),
		attack("rescan", "moire", screen(14)),
		attack("rescan", "printscan", blur(1.1), saturateAbout(0.8, 1.0/3, 1.0/3, 1.0/3), curve(linear(0.9, 12)),
			rotate(1.5, ofTheEdge), halftone(3, 4, 4)),
	}
}

func publishedCombinations() []recipe {
	white := always(rgb(255, 255, 255))
	return []recipe{
		attack("combo", "c_crop10_jpeg40_bright", crop(0.10), curve(linear(1.1, 10)), recompress(40)),
		attack("combo", "c_flip_crop5_wm", mirror, crop(0.05), shop24()),
		attack("combo", "c_pad15_tag5_jpeg50", pad(even(0.10), white), yellowTag(0.05), recompress(50)),
		attack("combo", "c_shot_crop_banner", sale(0.10), shotTight, recompress(60)),
		attack("combo", "c_flip_pad_sat", mirror, pad(even(0.12), anyColour(0, 255)), saturate(1.5)),
		attack("combo", "c_rot3_crop_blur_jpeg", rotateInside(3), blur(1), recompress(40)),
		attack("combo", "c_screenphoto", perspective(0.05, dark()), screen(10), recompress(60)),
	}
}

// dark is what surrounds a screen.
func dark() paint { return always(rgb(35, 35, 38)) }
