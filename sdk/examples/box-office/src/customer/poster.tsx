import type { Movie } from "@skyfox/sdk";
import { useState } from "react";

/** The film's poster, and a drawn one where there is none or it cannot be loaded. The title stands beside it, so it says nothing itself. */
export function Poster({ movie }: { movie: Pick<Movie, "movieId" | "title" | "posterUrl"> }) {
  const [isBroken, setBroken] = useState(movie.posterUrl === "");
  if (!isBroken)
    return (
      <img
        className="poster"
        src={movie.posterUrl}
        alt=""
        width="300"
        height="450"
        loading="lazy"
        onError={() => setBroken(true)}
      />
    );
  const hue = Array.from(movie.movieId).reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7) % 360;
  return (
    <svg className="poster" viewBox="0 0 300 450" aria-hidden="true">
      <rect width="300" height="450" fill={`hsl(${hue} 45% 26%)`} />
      <circle cx="222" cy="110" r="60" fill={`hsl(${(hue + 40) % 360} 70% 70%)`} opacity="0.5" />
      <text x="28" y="410" fontSize="30" fontWeight="700" fill="#fff">
        {movie.title.slice(0, 16)}
      </text>
    </svg>
  );
}
